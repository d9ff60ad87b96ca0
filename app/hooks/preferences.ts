'use client';

import { useSyncExternalStore } from 'react';
import { currentLanguage, type Language, settingKey } from '../../lib/client/language';

export type Theme = 'system' | 'light' | 'dark';

const listeners = new Set<() => void>();

function write(name: 'language' | 'theme', value: string): void {
  localStorage.setItem(settingKey(name), value);
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

function currentTheme(): Theme {
  const chosen = localStorage.getItem(settingKey('theme'));
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export const useLanguage = () => useSyncExternalStore(subscribe, currentLanguage, () => 'en' as const);
export const useTheme = () => useSyncExternalStore(subscribe, currentTheme, () => 'system' as const);
export const setLanguage = (language: Language) => write('language', language);
export const setTheme = (theme: Theme) => write('theme', theme);
