'use client';

import { memo, useState } from 'react';
import { useTranslations } from 'use-intl';
import { putOffInstall } from '../../lib/client/install-intents';
import { author } from '../hooks/author';
import { useInstall } from '../hooks/use-install';
import { useInstallOffer } from '../hooks/use-live';
import { late } from './late';

const { Late: IosSteps, ahead } = late(() => import('./install-card').then((file) => file.IosSteps));

/** Offered over the list once there is a conversation, and one thing at a time. */
export const InstallOffer = memo(function InstallOffer() {
  const t = useTranslations('install');
  const install = useInstall();
  const offered = useInstallOffer();
  const [explaining, setExplaining] = useState(false);
  const can = install.way === 'ask' || install.way === 'ios';
  if (explaining) return <IosSteps onClose={() => setExplaining(false)} />;
  if (!can || !offered) return null;
  return (
    <div className="reminder">
      <p>{t('offer')}</p>
      <div className="choices">
        <button type="button" className="button" onClick={() => void putOffInstall(author)}>
          {t('notNow')}
        </button>
        <button
          type="button"
          className="button primary"
          onClick={async () => {
            if (install.way === 'ask') void install.ask();
            else {
              // Not put off before it can be explained.
              await ahead();
              setExplaining(true);
            }
            await putOffInstall(author);
          }}
        >
          {t('install')}
        </button>
      </div>
    </div>
  );
});
