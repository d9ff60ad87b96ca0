'use client';

import { createContext, useContext } from 'react';
import type { ConversationRow } from '../../lib/client/db';

/** Read once for the whole screen: a thousand rows are decrypted for each that changes. */
export const ConversationsContext = createContext<ConversationRow[] | undefined>(undefined);

/** Newest first, without those that were blocked; `undefined` until they are read. */
export const useConversations = () => useContext(ConversationsContext);
