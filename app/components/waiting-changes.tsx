'use client';

import { useTranslations } from 'use-intl';
import type { Intent } from '../../lib/client/db';
import { cancelChange } from '../../lib/client/refusal-intents';
import { author } from '../hooks/author';
import { useWaitingChanges } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { Icon } from './icons';

/** What was asked for in a conversation and waits for a connection. */
export function WaitingChanges({ conversationId }: { conversationId: string }) {
  const t = useTranslations('waiting');
  const names = useNames();
  const rows = useWaitingChanges(conversationId) ?? [];
  const what = (intent: Intent) => {
    if (intent.kind === 'add') return t('add', { names: intent.userIds.map(names.person).join(', ') });
    if (intent.kind === 'remove' || intent.kind === 'role')
      return t(intent.kind, { name: names.person(intent.userId) });
    return t(intent.kind === 'message' || intent.kind === 'mark' ? 'other' : intent.kind);
  };
  if (rows.length === 0) return null;
  return (
    <section className="card" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      <ul className="people">
        {rows.map((row) => (
          <li key={row.id}>
            <Icon name="clock" />
            <span className="grow">{what(row.intent)}</span>
            {row.intent.kind !== 'create' && (
              <button type="button" className="button" onClick={() => void cancelChange(author, row)}>
                {t('cancel')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
