'use client';

import { createContext, useContext, useMemo } from 'react';
import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import type { Listed } from './use-listed';
import { useSession } from './use-live';

export type Names = ReturnType<typeof useReadNames>;

/** Read once for the whole screen: a list of bubbles must not ask the database for each of them. */
export const NamesContext = createContext<Names | null>(null);

/** How people and conversations are called on this device. */
export function useNames(): Names {
  const names = useContext(NamesContext);
  if (!names) throw new Error('names are asked for outside of their provider');
  return names;
}

export function useReadNames({ people, blocked }: Pick<Listed, 'people' | 'blocked'>) {
  const session = useSession();
  const t = useTranslations();
  return useMemo(() => {
    const me = session?.state === 'signed_in' ? session : null;
    const person = (userId: string): string => {
      if (userId === me?.userId) return me.name;
      const row = people?.get(userId);
      return row?.name ?? (row ? `@${row.handle}` : '…');
    };
    const handle = (userId: string): string => {
      const known = userId === me?.userId ? me.handle : people?.get(userId)?.handle;
      return known ? `@${known}` : '';
    };
    const other = (conversation: ConversationRow): string =>
      conversation.members.find((member) => member.userId !== me?.userId)?.userId ?? '';
    const conversation = (row: ConversationRow): string =>
      row.kind === 'direct' ? person(other(row)) : row.title || t('list.untitled');
    /** Whose colour a conversation wears: the other person's, or a group's own. */
    const face = (row: ConversationRow): string =>
      (row.kind === 'direct' && other(row)) || row.conversationId;
    const blockedIds = new Set(blocked.map(other));
    const isBlocked = (userId: string): boolean => blockedIds.has(userId);
    return { me, people, person, handle, other, conversation, face, isBlocked };
  }, [people, session, blocked, t]);
}
