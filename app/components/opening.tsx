'use client';

import { useSyncExternalStore } from 'react';
import { useTranslations } from 'use-intl';
import { looksFirst } from '../../lib/client/first-visit';
import { Logo } from './logo';

/**
 * Until it is known who is here. The exported pages hold it, so that it is painted before any script has run: where
 * nobody has been yet, the beginning of the welcome in place of the sign.
 */
export function Opening() {
  const t = useTranslations();
  const mayBeFirst = useSyncExternalStore(neverChanges, looksFirst, () => true);
  return (
    <>
      <main className="page empty opening" aria-busy="true">
        <Logo />
        <p className="visually-hidden">{t('app.loading')}</p>
      </main>
      {mayBeFirst && (
        <main className="welcome tall first-visit" aria-busy="true">
          <div className="welcome-card">
            <WelcomeLead title={t('welcome.title')} lead={t('welcome.lead')} />
          </div>
        </main>
      )}
    </>
  );
}

const neverChanges = () => () => undefined;

/** What a welcome begins with. */
export function WelcomeLead({ title, lead }: { title: string; lead: string }) {
  const t = useTranslations('app');
  return (
    <>
      <Logo />
      <p className="brand">{t('name')}</p>
      <h1>{title}</h1>
      <p className="lead">{lead}</p>
    </>
  );
}
