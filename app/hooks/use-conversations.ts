'use client';

import { createContext, useContext } from 'react';
import type { Listed } from './use-listed';

/** Read once for the whole screen: a thousand rows are decrypted for each that changes. */
export const ListedContext = createContext<Listed>({
  conversations: undefined,
  people: undefined,
  blocked: [],
  whole: false,
});

export const useListed = () => useContext(ListedContext);

/** Newest first, without those that were blocked; `undefined` until they are read. */
export const useConversations = () => useListed().conversations;
