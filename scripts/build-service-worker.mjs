import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, bundleScript } from './bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'out');

/** What a page without a network may ask for. Source maps and what only crawlers read stay on the server. */
const kept = new Set([
  '.css',
  '.html',
  '.js',
  '.json',
  '.png',
  '.svg',
  '.txt',
  '.wasm',
  '.webmanifest',
  '.woff2',
]);
const left = new Set(['sw.js', '404.html', '_not-found.html', '_not-found.txt']);

const entries = await readdir(out, { recursive: true, withFileTypes: true });
const files = entries
  .filter((entry) => entry.isFile() && kept.has(extname(entry.name)))
  .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
  .filter((file) => !left.has(file) && !file.startsWith('screenshots/'))
  .sort();

const manifest = [];
for (const file of files) {
  // These are named by their content: the name is the revision.
  const hashed = file.startsWith('_next/static/');
  const digest = createHash('sha256').update(await readFile(join(out, file)));
  manifest.push({ url: `/${file}`, revision: hashed ? null : digest.digest('hex').slice(0, 20) });
}

const wasm = files.find((file) => /\/crypto-[^/]*\.wasm$/.test(file));
if (!wasm) throw new Error('The site holds no crypto library.');

const background = await bundleScript(root, { background: 'service-worker/background.ts' }, `/${wasm}`, {
  globalName: 'background',
});

await build({
  ...bundleOptions(root),
  entryPoints: ['service-worker/main.ts'],
  outfile: 'out/sw.js',
  define: {
    'self.__WB_MANIFEST': JSON.stringify(manifest),
    'self.__BACKGROUND_SCRIPT': JSON.stringify(background),
    'process.env.NODE_ENV': '"production"',
  },
});
console.log(`service worker: ${manifest.length} files`);
