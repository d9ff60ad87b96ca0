/**
 * How what runs beside the pages is bundled: one file each, which a worker loads at once.
 * @param {string} root the project's folder
 * @returns {import('esbuild').BuildOptions}
 */
export const bundleOptions = (root) => ({
  absWorkingDir: root,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  logLevel: 'warning',
});

/**
 * What a bundle is told that holds the crypto library.
 * @param {string} wasm the address of the library
 */
export const cryptoDefines = (wasm) => ({
  'globalThis.__CRYPTO_WASM': JSON.stringify(wasm),
  // An IIFE is no module: what the library would look for beside itself is named above.
  'import.meta.url': 'self.location.href',
  'process.env.NODE_ENV': '"production"',
});
