'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { IntlProvider } from 'use-intl';
import { useLanguage, useTheme } from '../hooks/preferences';
import { en } from '../i18n/en';
import { fr } from '../i18n/fr';
import { NamesProvider } from './names-provider';
import { UpdateOffer } from './update-offer';

const queries = new QueryClient();

/** Language and theme around everything. */
export function Providers({ children }: { children: ReactNode }) {
  const language = useLanguage();
  const theme = useTheme();
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <IntlProvider
      locale={language}
      messages={language === 'fr' ? fr : en}
      timeZone={Intl.DateTimeFormat().resolvedOptions().timeZone}
    >
      <QueryClientProvider client={queries}>
        <NamesProvider>{children}</NamesProvider>
        <UpdateOffer />
      </QueryClientProvider>
    </IntlProvider>
  );
}
