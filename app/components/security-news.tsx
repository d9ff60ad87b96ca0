'use client';

import { memo } from 'react';
import { useTranslations } from 'use-intl';
import type { StorageState } from '../../lib/client/storage-state';
import { dismissLie } from '../../lib/client/trust-intents';
import { author } from '../hooks/author';
import { useIdentity, useLies, useLost, useMended, useRecovered } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { DeviceNews } from './device-news';
import { late } from './late';

// Rare, and none of the first screen.
const storageNews = () => import('./storage-news');
const { Late: StorageFull } = late(() => storageNews().then((file) => file.StorageFull));
const { Late: KeysGone } = late(() => storageNews().then((file) => file.KeysGone));
const { Late: EarlierSelf } = late(() => storageNews().then((file) => file.EarlierSelf));
const { Late: Mended } = late(() => storageNews().then((file) => file.Mended));
const { Late: LostDevices } = late(() => import('./lost-devices').then((file) => file.LostDevices));

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
  if (recovered) return <LostDevices />;
  if (lost?.userId === names.me?.userId && lost) return <EarlierSelf loss={lost} />;
  return mended ? <Mended /> : <DeviceNews />;
});
