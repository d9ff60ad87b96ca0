import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, bundleScript } from './bundle.mjs';

// The engine's worker as one file and what imports it, the crypto library beside it, and a first line for each page, which
// starts the worker: Next's bundler makes eight files of one, loads them one after the other, and only when all of the
// page's own have run.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'out');

const library = join(
  root,
  'node_modules/@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm',
);
const digest = createHash('sha256').update(await readFile(library));
const wasm = `/_next/static/crypto-${digest.digest('hex').slice(0, 12)}.wasm`;
await copyFile(library, join(out, wasm));

// A browser compiles a worker's first script anew each time; of what that imports, as a module, it keeps the compiled form.
const body = await bundleScript(root, { engine: 'lib/client/engine-worker.ts' }, wasm, { format: 'esm' });
const engine = body.replace('/engine-', '/engine-start-');
await writeFile(join(out, engine), `import '${body}';\n`);

const { outputFiles } = await build({
  ...bundleOptions(root),
  entryPoints: ['lib/client/first-line.ts'],
  write: false,
  define: { 'globalThis.__ENGINE_SCRIPT': JSON.stringify(engine) },
});
// Before the styles, which a script waits for.
const start = `<head><script>${outputFiles[0]?.text.trim()}</script>`;
for (const name of await readdir(out, { recursive: true })) {
  if (!name.endsWith('.html')) continue;
  const page = await readFile(join(out, name), 'utf8');
  if (!page.includes('<head>')) throw new Error(`${name} has no head.`);
  const started = page.replace('<head>', () => start);
  await writeFile(join(out, name), started);
}
