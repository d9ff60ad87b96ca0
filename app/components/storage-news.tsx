'use client';

import Link from 'next/link';
import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { removeDevice } from '../../lib/client/device-intents';
import type { Loss } from '../../lib/client/meta';
import { dismissLoss, dismissMended } from '../../lib/client/storage-intents';
import { author } from '../hooks/author';
import { useSession } from '../hooks/use-live';
import { linkNearing, recoverNearing, type Way, WayIn } from './way-in';

/** No room: what waits stays on the server, what is typed in its field. */
export function StorageFull({ onTry }: { onTry: () => void }) {
  const t = useTranslations('storage');
  return (
    <div className="banner" role="alert">
      <strong>{t('fullTitle')}</strong>
      <p>{t('full')}</p>
      <div className="choices">
        <Link className="button" href="/settings#storage">
          {t('free')}
        </Link>
        <button type="button" className="button primary" onClick={onTry}>
          {t('tryAgain')}
        </button>
      </div>
    </div>
  );
}

/** The browser has cleared the keys of this device: what is here can be read, nothing more. */
export function KeysGone({ loss }: { loss: Loss }) {
  const t = useTranslations('storage');
  const session = useSession();
  const [way, setWay] = useState<Way>('none');
  return (
    <>
      <div className="banner" role="alert">
        <strong>{t('keysGoneTitle')}</strong>
        <p>{t('keysGone')}</p>
        <div className="choices">
          <button type="button" className="button" onClick={() => setWay('link')} {...linkNearing}>
            {t('byDevice')}
          </button>
          <button
            type="button"
            className="button primary"
            onClick={() => setWay('recover')}
            {...recoverNearing}
          >
            {t('byKey')}
          </button>
        </div>
      </div>
      <WayIn way={way} session={session} handle={loss.handle} onClose={() => setWay('none')} />
    </>
  );
}

/** The account is back under a new device: the one that was here before has no keys any more, and only costs. */
export function EarlierSelf({ loss }: { loss: Loss }) {
  const t = useTranslations('storage');
  return (
    <div className="banner" role="alert">
      <p>{t('earlierSelf')}</p>
      <div className="choices">
        <button type="button" className="button" onClick={() => void dismissLoss(author)}>
          {t('keep')}
        </button>
        <button
          type="button"
          className="button primary"
          onClick={() =>
            void removeDevice(author, { deviceId: loss.deviceId, name: t('earlierName') }).then(() =>
              dismissLoss(author),
            )
          }
        >
          {t('removeIt')}
        </button>
      </div>
    </div>
  );
}

/** The cache was gone and has come back. */
export function Mended() {
  const t = useTranslations('storage');
  return (
    <div className="banner" role="status">
      <strong>{t('mendedTitle')}</strong>
      <p>{t('mended')}</p>
      <div className="choices">
        <button type="button" className="button" onClick={() => void dismissMended(author)}>
          {t('understood')}
        </button>
      </div>
    </div>
  );
}
