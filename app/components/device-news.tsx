'use client';

import { useTranslations } from 'use-intl';
import { removeDevice } from '../../lib/client/device-intents';
import { dismissDeviceNews } from '../../lib/client/device-news';
import { author, db } from '../hooks/author';
import { useDeviceNews } from '../hooks/use-live';

/** Tells that a device was linked or removed elsewhere, until somebody has looked. */
export function DeviceNews() {
  const t = useTranslations();
  const news = useDeviceNews();
  const first = news?.[0];
  if (!first) return null;
  const dismiss = () => void dismissDeviceNews(db, first.deviceId);
  if (first.event === 'removed') {
    return (
      <div className="banner" role="alert">
        <p>{t('linking.removedNews', { name: first.name })}</p>
        <div className="choices">
          <button type="button" className="button" onClick={dismiss}>
            {t('safety.understood')}
          </button>
        </div>
      </div>
    );
  }
  return (
    <div className="banner" role="alert">
      <p>{t('linking.news', { name: first.name })}</p>
      <div className="choices">
        <button type="button" className="button" onClick={dismiss}>
          {t('linking.mine')}
        </button>
        <button type="button" className="button danger" onClick={() => void removeDevice(author, first)}>
          {t('linking.notMine')}
        </button>
      </div>
    </div>
  );
}
