'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { useInstall } from '../hooks/use-install';
import { Icon } from './icons';
import { Modal } from './modal';

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
export function IosSteps({ onClose }: { onClose: () => void }) {
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
