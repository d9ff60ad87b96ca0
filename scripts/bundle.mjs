import { build } from 'esbuild';

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
 * Bundles a script that holds the crypto library into the site. It is named by its content like Next's files: who loads
 * it is another one when it is.
 * @param {string} root the project's folder
 * @param {Record<string, string>} entry its name, and its source
 * @param {string} wasm the address of the library
 * @param {import('esbuild').BuildOptions} [more]
 * @returns its address
 */
export async function bundleScript(root, entry, wasm, more) {
  const { metafile } = await build({
    ...bundleOptions(root),
    ...more,
    entryPoints: entry,
    outdir: 'out/_next/static',
    entryNames: '[name]-[hash]',
    metafile: true,
    define: {
      'globalThis.__CRYPTO_WASM': JSON.stringify(wasm),
      // An IIFE is no module: what the library would look for beside itself is named above.
      'import.meta.url': 'self.location.href',
      'process.env.NODE_ENV': '"production"',
    },
  });
  const [address = ''] = Object.keys(metafile.outputs).map((file) => file.replace(/^out/, ''));
  return address;
}
