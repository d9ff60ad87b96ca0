'use client';

import { memo, useState } from 'react';
import { useTranslations } from 'use-intl';
import { putOffInstall } from '../../lib/client/install-intents';
import { author } from '../hooks/author';
import { useInstall } from '../hooks/use-install';
import { useInstallOffer } from '../hooks/use-live';
import { Icon } from './icons';
import { Modal } from './modal';

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
          onClick={() => {
            void putOffInstall(author);
            if (install.way === 'ask') void install.ask();
            else setExplaining(true);
          }}
        >
          {t('install')}
        </button>
      </div>
    </div>
  );
});

/** In the settings, for whoever looks for it. */
export function InstallCard() {
  const t = useTranslations('install');
  const install = useInstall();
  const [explaining, setExplaining] = useState(false);
  return (
    <section className="card" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      <p>{t(install.way === 'installed' ? 'installed' : install.way === 'menu' ? 'menu' : 'why')}</p>
      {install.way === 'ask' && (
        <button type="button" className="button" onClick={() => void install.ask()}>
          {t('install')}
        </button>
      )}
      {install.way === 'ios' && (
        <button type="button" className="button" onClick={() => setExplaining(true)}>
          {t('how')}
        </button>
      )}
      {explaining && <IosSteps onClose={() => setExplaining(false)} />}
    </section>
  );
}

/** Safari lets no page ask: a person does it in three steps. */
function IosSteps({ onClose }: { onClose: () => void }) {
  const t = useTranslations('install');
  return (
    <Modal title={t('iosTitle')} onClose={onClose} closing={t('close')}>
      <ol className="steps">
        <li>
          <Icon name="share" />
          <span>{t('iosShare')}</span>
        </li>
        <li>
          <Icon name="addToHome" />
          <span>{t('iosAdd')}</span>
        </li>
        <li>
          <Icon name="check" />
          <span>{t('iosOpen')}</span>
        </li>
      </ol>
    </Modal>
  );
}
