'use client';

import { type ReactNode, useEffect, useState } from 'react';
import { type IntlError, IntlErrorCode, IntlProvider } from 'use-intl';
import type { Language } from '../../lib/client/language';
import { useLanguage, useTheme } from '../hooks/preferences';
import { en } from '../i18n/en';
import { LockGate } from './lock-gate';
import { NamesProvider } from './names-provider';
import { StorageBoundary } from './storage-boundary';
import { UpdateOffer } from './update-offer';

/** Language and theme around everything. */
export function Providers({ children }: { children: ReactNode }) {
  const language = useLanguage();
  const theme = useTheme();
  const messages = useWords(language);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  if (!messages) return null;
  return (
    <IntlProvider locale={language} messages={messages} onError={complain}>
      <StorageBoundary>
        <LockGate>
          <NamesProvider>{children}</NamesProvider>
        </LockGate>
      </StorageBoundary>
      <UpdateOffer />
    </IntlProvider>
  );
}

/** Where no time zone is said, the browser's own is meant: to ask for its name costs 15 ms, see the first line. */
function complain(error: IntlError): void {
  if (error.code !== IntlErrorCode.ENVIRONMENT_FALLBACK) console.error(error);
}

/** English is there from the start, French once it is asked for. @returns `null` until then */
function useWords(language: Language): typeof en | null {
  const [french, setFrench] = useState<typeof en | null>(null);
  useEffect(() => {
    if (language === 'fr') void import('../i18n/fr').then(({ fr }) => setFrench(fr));
  }, [language]);
  return language === 'fr' ? french : en;
}
