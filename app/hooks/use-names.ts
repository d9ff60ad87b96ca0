'use client';

import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { usePeople, useSession } from './use-live';

/** How people and conversations are called on this device. */
export function useNames() {
  const people = usePeople();
  const session = useSession();
  const t = useTranslations();
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
  return { me, people, person, handle, other, conversation };
}
