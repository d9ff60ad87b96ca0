import type { Messages as Dictionary } from './i18n/en';

declare module 'use-intl' {
  interface AppConfig {
    Messages: Dictionary;
    Locale: 'en' | 'fr';
  }
}
