'use client';

import { useFormatter, useNow, useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { useActivity } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { usePresence } from '../hooks/use-presence';

const minuteMs = 60_000;

/** The line under a conversation's name: what someone is doing there, or else how it stands with its people. */
export function Standing({ conversation }: { conversation: ConversationRow }) {
  const doing = useDoing(conversation);
  const standing = useStanding(conversation);
  return (
    <>
      {/* Only what someone does is announced; the minutes since someone was here are not. */}
      <span className="doing" aria-live="polite">
        {doing}
      </span>
      {!doing && <span>{standing}</span>}
    </>
  );
}

function useDoing({ conversationId, kind }: ConversationRow): string {
  const t = useTranslations('activity');
  const names = useNames();
  const activity = useActivity(conversationId);
  if (!activity) return '';
  if (kind === 'direct') return t(activity.kind);
  const { userIds } = activity;
  return t(`${activity.kind}By`, { names: userIds.map(names.person).join(', '), count: userIds.length });
}

function useStanding(conversation: ConversationRow): string {
  const t = useTranslations();
  const names = useNames();
  const format = useFormatter();
  const presenceOf = usePresence();
  const now = useNow({ updateInterval: minuteMs / 2 });
  if (conversation.kind === 'group') {
    const count = conversation.members.filter((member) => member.state !== 'left').length;
    return t('conversation.members', { count });
  }
  const other = names.other(conversation);
  const presence = presenceOf(other);
  if (conversation.myState !== 'active' || presence.state === 'unknown') return names.handle(other);
  if (presence.state === 'online') return t('presence.online');
  if (now.getTime() - presence.lastSeenAt < minuteMs) return t('presence.justNow');
  const when = format.relativeTime(presence.lastSeenAt, { now, style: 'short' });
  return t('presence.lastSeen', { when });
}
