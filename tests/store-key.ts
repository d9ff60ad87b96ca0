/** The key of a test's cache. */
export const testKey = () => Promise.resolve(new Uint8Array(32).fill(7));
