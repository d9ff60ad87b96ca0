'use client';

import { useTranslations } from 'use-intl';
import { putOffAlerts } from '../../lib/client/alert-intents';
import type { ConversationRow } from '../../lib/client/db';
import { turnAlertsOn } from '../hooks/alerts';
import { author } from '../hooks/author';
import { useAlertPermission } from '../hooks/use-alerts';
import { useAlertSettings, useAlertsPutOff } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';

/** Who has just written waits for an answer: the moment at which it makes sense to be asked. */
export function AlertOffer({ conversation, name }: { conversation: ConversationRow; name: string }) {
  const t = useTranslations('notifications');
  const [permission, look] = useAlertPermission();
  const settings = useAlertSettings();
  const putOff = useAlertsPutOff();
  const me = useNames().me?.userId;
  const { preview } = conversation;
  const written = preview?.kind === 'text' && preview.senderId === me;
  if (!written || settings?.on !== false || putOff !== false || permission !== 'default') return null;
  const turnOn = () => {
    void turnAlertsOn()
      .catch(() => undefined)
      .finally(look);
  };
  return (
    <section className="request" aria-label={t('title')}>
      <p>{t('offer', { name })}</p>
      <div className="choices">
        <button type="button" className="button" onClick={() => void putOffAlerts(author)}>
          {t('later')}
        </button>
        <button type="button" className="button primary" onClick={turnOn}>
          {t('turnOn')}
        </button>
      </div>
    </section>
  );
}
