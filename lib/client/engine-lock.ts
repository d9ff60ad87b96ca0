/** The Web Lock of a browser profile: whoever holds it sends, and nobody else. */
export const engineLock = 'aparte-engine';
