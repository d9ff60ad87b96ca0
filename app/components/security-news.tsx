'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { memo } from 'react';
import { useTranslations } from 'use-intl';
import { removeDevice } from '../../lib/client/device-intents';
import { endRecovery } from '../../lib/client/recovery-intents';
import type { StorageState } from '../../lib/client/storage-state';
import { dismissLie } from '../../lib/client/trust-intents';
import { api, author } from '../hooks/author';
import { useIdentity, useLies, useLost, useMended, useRecovered } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { DeviceNews } from './device-news';
import { EarlierSelf, KeysGone, Mended, StorageFull } from './storage-news';

/** The gravest of what the owner of this account should know: one thing at a time. */
export const SecurityNews = memo(function SecurityNews({
  storage,
  onTry,
}: {
  storage: StorageState['state'];
  onTry: () => void;
}) {
  const t = useTranslations('safety');
  const names = useNames();
  const mine = useIdentity(names.me?.userId ?? '');
  const lie = useLies()?.find((one) => !one.seen);
  const recovered = useRecovered();
  const lost = useLost();
  const mended = useMended();
  if (storage === 'full') return <StorageFull onTry={onTry} />;
  if (lost && lost.deviceId === names.me?.deviceId) return <KeysGone loss={lost} />;
  if (mine?.changedTo) {
    return (
      <div className="banner" role="alert">
        <p>{t('ownChanged')}</p>
      </div>
    );
  }
  if (lie) {
    return (
      <div className="banner" role="alert">
        <p>{t(`lies.${lie.kind}`, { name: names.person(lie.userId) })}</p>
        <div className="choices">
          <button type="button" className="button" onClick={() => void dismissLie(author, lie)}>
            {t('understood')}
          </button>
        </div>
      </div>
    );
  }
  // Who recovers is asked about all earlier devices at once.
  if (recovered) return <Lost />;
  if (lost?.userId === names.me?.userId && lost) return <EarlierSelf loss={lost} />;
  return mended ? <Mended /> : <DeviceNews />;
});

/** After a recovery: are the lost devices to be shut out? */
function Lost() {
  const t = useTranslations('recovery');
  const devices = useQuery({ queryKey: ['devices'], queryFn: () => api.devices.list.query() });
  const lost = devices.data?.filter((device) => !device.current) ?? [];
  const removeAll = useMutation({
    mutationFn: async () => {
      for (const { deviceId, name } of lost) await removeDevice(author, { deviceId, name });
      await endRecovery(author);
    },
  });
  if (!devices.data) return null;
  return (
    <div className="banner" role="alert">
      <p>{t('recovered', { count: lost.length })}</p>
      {lost.length > 0 && <p>{lost.map((device) => device.name).join(', ')}</p>}
      <div className="choices">
        <button type="button" className="button" onClick={() => void endRecovery(author)}>
          {t(lost.length > 0 ? 'keepDevices' : 'finish')}
        </button>
        {lost.length > 0 && (
          <button type="button" className="button danger" onClick={() => removeAll.mutate()}>
            {t('removeDevices')}
          </button>
        )}
      </div>
    </div>
  );
}
