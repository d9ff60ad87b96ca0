import { currentLanguage } from './language';

const key = 'aparte-visited';

// Known before any script of the page and without the database: what is painted first depends on it.

/** Says in the page, for its styles, that nobody is known to have been signed in here, and in which language they read. */
export function markFirstVisit(): void {
  const isKnown = navigator.serviceWorker?.controller || localStorage.getItem(key) !== null;
  if (!isKnown) document.documentElement.dataset.firstVisit = currentLanguage();
}

export const looksFirst = (): boolean => document.documentElement.dataset.firstVisit !== undefined;

/** It is known who is here, or that nobody is. The mark stays when they go: who comes back is not new. */
export function endFirstVisit(signedIn: boolean): void {
  delete document.documentElement.dataset.firstVisit;
  try {
    if (signedIn) localStorage.setItem(key, '');
  } catch {
    // There is no room: the next visit may begin with the welcome for a moment.
  }
}
