'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'use-intl';
import { failureOf } from '../../lib/client/api';
import { dismissDeviceNews } from '../../lib/client/devices';
import { api, db } from '../hooks/author';
import { useDeviceNews } from '../hooks/use-live';

/** Tells that a device was linked elsewhere, until somebody has said whether it is theirs. */
export function DeviceNews() {
  const t = useTranslations();
  const news = useDeviceNews();
  const first = news?.[0];
  const undo = useMutation({
    mutationFn: async (deviceId: string) => {
      await api.devices.revoke.mutate({ deviceId });
      await dismissDeviceNews(db, deviceId);
    },
  });
  if (!first) return null;
  return (
    <div className="banner" role="alert">
      <p>{t('linking.news', { name: first.name })}</p>
      {undo.isError && <p>{t(`errors.${failureOf(undo.error)}`)}</p>}
      <div className="choices">
        <button type="button" className="button" onClick={() => void dismissDeviceNews(db, first.deviceId)}>
          {t('linking.mine')}
        </button>
        <button type="button" className="button danger" onClick={() => undo.mutate(first.deviceId)}>
          {t('linking.notMine')}
        </button>
      </div>
    </div>
  );
}
