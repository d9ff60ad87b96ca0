'use client';

import { useTranslations } from 'use-intl';
import { unblock } from '../../lib/client/intents';
import { author } from '../hooks/author';
import { useListed } from '../hooks/use-conversations';
import { useNames } from '../hooks/use-names';
import { Avatar } from './avatar';

/** The people who were blocked, and the way back. */
export function Blocked() {
  const t = useTranslations('blocked');
  const names = useNames();
  const { blocked, whole } = useListed();
  return (
    <section className="card" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      {whole && blocked.length === 0 && <p className="notice">{t('nobody')}</p>}
      <ul className="people">
        {blocked.map((row) => {
          const userId = names.other(row);
          const name = names.person(userId);
          return (
            <li key={row.conversationId}>
              <Avatar id={userId} name={name} />
              <span className="grow">
                {name}
                <small>{names.handle(userId)}</small>
              </span>
              <button
                type="button"
                className="button"
                aria-label={t('unblockName', { name })}
                onClick={() => void unblock(author, row.conversationId, userId)}
              >
                {t('unblock')}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
