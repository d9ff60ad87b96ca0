'use client';

import type { ReactNode } from 'react';
import { ConversationsContext } from '../hooks/use-conversations';
import { useReadConversations } from '../hooks/use-live';
import { NamesContext, useReadNames } from '../hooks/use-names';

/** What every part of the screen needs, read once. */
export function NamesProvider({ children }: { children: ReactNode }) {
  return (
    <NamesContext value={useReadNames()}>
      <ConversationsContext value={useReadConversations()}>{children}</ConversationsContext>
    </NamesContext>
  );
}
