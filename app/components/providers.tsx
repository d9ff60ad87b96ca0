'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { IntlProvider } from 'use-intl';
import { type Language, useLanguage, useTheme } from '../hooks/preferences';
import { en } from '../i18n/en';
import { LockGate } from './lock-gate';
import { NamesProvider } from './names-provider';
import { StorageBoundary } from './storage-boundary';
import { UpdateOffer } from './update-offer';

/** Without a network what is asked fails, and says so: nobody waits for what happens later, when they are elsewhere. */
const networkMode = 'always';
const queries = new QueryClient({
  defaultOptions: { queries: { networkMode, refetchOnReconnect: true }, mutations: { networkMode } },
});

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
    <IntlProvider
      locale={language}
      messages={messages}
      timeZone={Intl.DateTimeFormat().resolvedOptions().timeZone}
    >
      <QueryClientProvider client={queries}>
        <StorageBoundary>
          <LockGate>
            <NamesProvider>{children}</NamesProvider>
          </LockGate>
        </StorageBoundary>
        <UpdateOffer />
      </QueryClientProvider>
    </IntlProvider>
  );
}

/** English is there from the start, French once it is asked for. @returns `null` until then */
function useWords(language: Language): typeof en | null {
  const [french, setFrench] = useState<typeof en | null>(null);
  useEffect(() => {
    if (language === 'fr') void import('../i18n/fr').then(({ fr }) => setFrench(fr));
  }, [language]);
  return language === 'fr' ? french : en;
}
