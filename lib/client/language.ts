export type Language = 'en' | 'fr';

/** Where a browser keeps what was chosen, apart from the account: it holds before anyone has signed up. */
export const settingKey = (name: 'language' | 'theme'): string => `aparte-${name}`;

/** The language that was chosen in this browser, or else that of the browser. */
export function currentLanguage(): Language {
  const chosen = localStorage.getItem(settingKey('language'));
  return chosen === 'en' || chosen === 'fr' ? chosen : browserLanguage();
}

/** The first that the browser's person reads and the app knows. */
export const browserLanguage = (): Language =>
  navigator.languages.find((tag) => /^(en|fr)\b/.test(tag))?.startsWith('fr') ? 'fr' : 'en';
