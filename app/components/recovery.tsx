'use client';

import { memo, useState } from 'react';
import { useFormatter, useTranslations } from 'use-intl';
import { putOffRecovery, type Reminder } from '../../lib/client/recovery-intents';
import { author } from '../hooks/author';
import { useRecovery } from '../hooks/use-live';
import { late } from './late';

const { Late: RecoveryModal } = late(() => import('./recovery-modal').then((file) => file.RecoveryModal));

/** Stands over the list until there is a recovery key. It can be put off a few times, and not for ever. */
export const RecoveryReminder = memo(function RecoveryReminder({ reminder }: { reminder: Reminder }) {
  const t = useTranslations('recovery');
  const [making, setMaking] = useState(false);
  return (
    <>
      {reminder !== 'no' && (
        <div className="reminder">
          <p>{t('reminder')}</p>
          <div className="choices">
            {reminder === 'soft' && (
              <button type="button" className="button" onClick={() => void putOffRecovery(author)}>
                {t('later')}
              </button>
            )}
            <button type="button" className="button primary" onClick={() => setMaking(true)}>
              {t('make')}
            </button>
          </div>
        </div>
      )}
      {making && <RecoveryModal onClose={() => setMaking(false)} />}
    </>
  );
});

/** In the settings: whether there is a key, and the way to a new one. */
export function RecoveryCard() {
  const t = useTranslations('recovery');
  const format = useFormatter();
  const recovery = useRecovery();
  const [making, setMaking] = useState(false);
  const stored = recovery?.state === 'stored' ? recovery : null;
  return (
    <section className="card" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      <p>
        {stored
          ? t('since', { date: format.dateTime(stored.at, { dateStyle: 'medium' }) })
          : t(recovery?.state === 'storing' ? 'storing' : 'none')}
      </p>
      <button type="button" className="button" onClick={() => setMaking(true)}>
        {t(stored ? 'makeNew' : 'make')}
      </button>
      {making && <RecoveryModal onClose={() => setMaking(false)} />}
    </section>
  );
}
