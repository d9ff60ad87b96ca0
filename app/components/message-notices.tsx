'use client';

import { useFormatter, useTranslations } from 'use-intl';
import type { MessageRow } from '../../lib/client/db';
import { useNames } from '../hooks/use-names';
import { Icon } from './icons';

export function DaySeparator({ at }: { at: number }) {
  const t = useTranslations('conversation');
  const format = useFormatter();
  const day = new Date(at).toDateString();
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  const text = () => {
    if (day === new Date().toDateString()) return t('today');
    if (day === yesterday.toDateString()) return t('yesterday');
    return format.dateTime(at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  };
  return (
    <p className="notice-line">
      <span>{text()}</span>
    </p>
  );
}

export function UnreadDivider() {
  const t = useTranslations('conversation');
  return <p className="unread-divider">{t('newMessages')}</p>;
}

/** What somebody changed about the group, in words. */
export function Notice({ message }: { message: MessageRow }) {
  const t = useTranslations('message');
  const names = useNames();
  const { notice } = message;
  if (!notice) return null;
  const name = names.person(message.senderId);
  const list = (ids: string[]) => ids.map(names.person).join(', ');
  const lines: string[] = [];
  if (notice.added.length > 0) {
    if (message.seq === 1 && notice.title) lines.push(t('created', { name, title: notice.title }));
    lines.push(t('added', { name, others: list(notice.added) }));
  } else if (notice.title !== null) {
    lines.push(t('titled', { name, title: notice.title }));
  }
  if (notice.removed.length > 0) lines.push(t('removed', { name, others: list(notice.removed) }));
  return (
    <p className="notice-line">
      <span>
        {lines.join(' · ')}
        {message.status === 'queued' && (
          <span className="notice-waiting" role="img" aria-label={t('queued')} title={t('queued')}>
            <Icon name="clock" />
          </span>
        )}
      </span>
    </p>
  );
}
