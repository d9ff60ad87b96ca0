'use client';

import { useTranslations } from 'use-intl';
import { useServiceWorker } from '../hooks/use-service-worker';

/** A new version is here: one word, and all tabs have it. */
export function UpdateOffer() {
  const t = useTranslations('app');
  const update = useServiceWorker();
  if (!update) return null;
  return (
    <p className="update" role="status">
      <span>{t('newVersion')}</span>
      <button type="button" className="button primary" onClick={update}>
        {t('reload')}
      </button>
    </p>
  );
}
