/**
 * The app's content security policy forbids to make functions of text. Untold, zod tries, and browsers report it. This
 * is the object that `config` of zod writes to; by its name, since zod need not be loaded for the first screen.
 */
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
