'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import type { Loss } from '../../lib/client/meta';
import { useSession } from '../hooks/use-live';
import { LinkingModal } from './linking-modal';
import { RecoverAccount } from './recover-account';

/** The browser has cleared the keys of this device: what is here can be read, nothing more. */
export function KeysGone({ loss }: { loss: Loss }) {
  const t = useTranslations('storage');
  const session = useSession();
  const [way, setWay] = useState<'none' | 'recover' | 'link'>('none');
  return (
    <>
      <div className="banner" role="alert">
        <strong>{t('keysGoneTitle')}</strong>
        <p>{t('keysGone')}</p>
        <div className="choices">
          <button type="button" className="button" onClick={() => setWay('link')}>
            {t('byDevice')}
          </button>
          <button type="button" className="button primary" onClick={() => setWay('recover')}>
            {t('byKey')}
          </button>
        </div>
      </div>
      {way === 'recover' && session && (
        <RecoverAccount session={session} handle={loss.handle} onClose={() => setWay('none')} />
      )}
      {way === 'link' && <LinkingModal side="new" onClose={() => setWay('none')} />}
    </>
  );
}
