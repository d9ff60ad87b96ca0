'use client';

import { useSyncExternalStore } from 'react';

export type Language = 'en' | 'fr';
export type Theme = 'system' | 'light' | 'dark';

const listeners = new Set<() => void>();

/** Kept in this browser, apart from the account: they hold before anyone has signed up. */
function read(key: string): string | null {
  return localStorage.getItem(`aparte-${key}`);
}

function write(key: string, value: string): void {
  localStorage.setItem(`aparte-${key}`, value);
  for (const changed of listeners) changed();
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  addEventListener('storage', changed);
  return () => {
    listeners.delete(changed);
    removeEventListener('storage', changed);
  };
}

function currentLanguage(): Language {
  const chosen = read('language');
  if (chosen === 'en' || chosen === 'fr') return chosen;
  return navigator.languages.find((tag) => /^(en|fr)\b/.test(tag))?.startsWith('fr') ? 'fr' : 'en';
}

function currentTheme(): Theme {
  const chosen = read('theme');
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export const useLanguage = () => useSyncExternalStore(subscribe, currentLanguage, () => 'en' as const);
export const useTheme = () => useSyncExternalStore(subscribe, currentTheme, () => 'system' as const);
export const setLanguage = (language: Language) => write('language', language);
export const setTheme = (theme: Theme) => write('theme', theme);
