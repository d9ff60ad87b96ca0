import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, cryptoDefines } from './bundle.mjs';

/**
 * The worker of the engine as one file, and the crypto library beside it, both named by their content. Made before the
 * pages are, whose first line starts it: Next's bundler makes eight files of a worker, which it loads one after the other.
 * @param {string} root the project's folder
 * @param {string} folder where to, a part of the site
 * @returns the address of the worker
 */
export async function buildEngine(root, folder) {
  await rm(folder, { recursive: true, force: true });
  const target = join(folder, '_next/static');
  await mkdir(target, { recursive: true });
  const library = join(
    root,
    'node_modules/@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm',
  );
  const digest = createHash('sha256')
    .update(await readFile(library))
    .digest('hex')
    .slice(0, 12);
  const wasm = `crypto-${digest}.wasm`;
  await copyFile(library, join(target, wasm));
  const { metafile } = await build({
    ...bundleOptions(root),
    entryPoints: { engine: 'lib/client/engine-worker.ts' },
    outdir: target,
    entryNames: '[name]-[hash]',
    metafile: true,
    define: cryptoDefines(`/_next/static/${wasm}`),
  });
  return `/_next/static/${Object.keys(metafile.outputs)[0]?.split('/').at(-1)}`;
}

/**
 * Puts the line that starts the engine at the head of each page: before its styles, which a script waits for.
 * @param {string} root the project's folder
 * @param {string} out the site
 * @param {string} script the engine's address
 */
export async function startEngineFirst(root, out, script) {
  const { outputFiles } = await build({
    ...bundleOptions(root),
    entryPoints: ['lib/client/engine-first.ts'],
    write: false,
    define: { 'globalThis.__ENGINE_SCRIPT': JSON.stringify(script) },
  });
  const line = `<head><script>${outputFiles[0]?.text.trim()}</script>`;
  for (const name of await readdir(out, { recursive: true })) {
    if (!name.endsWith('.html')) continue;
    const page = await readFile(join(out, name), 'utf8');
    if (!page.includes('<head>')) throw new Error(`${name} has no head.`);
    await writeFile(
      join(out, name),
      page.replace('<head>', () => line),
    );
  }
}
