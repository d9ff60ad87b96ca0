/** The Web Lock of a browser profile: whoever holds it sends, and nobody else. */
export const engineLock = 'aparte-engine';
/** Shared by all tabs that are looked at. A tab that is closed or killed lets go of it at once. */
export const visibleLock = 'aparte-visible';
