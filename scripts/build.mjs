import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { precompress } from './precompress.mjs';
import { run } from './run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };

// The site: exported pages, then the engine that each of them starts, then the service worker that lists it all, then the
// compressed copies.
await rm(join(root, 'out'), { recursive: true, force: true });
for (const [script, ...args] of [
  ['node_modules/next/dist/bin/next', 'build'],
  ['scripts/build-engine.mjs'],
  ['scripts/build-service-worker.mjs'],
])
  await run(process.execPath, [join(root, script), ...args], { cwd: root, env });
await precompress(join(root, 'out'), join(root, 'node_modules/.cache/aparte/brotli'));

// The server: one file, and one for the thread of the embedded database. Packages stay where npm put them.
await rm(join(root, 'dist/server'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['server/main.ts', 'server/db/embedded-worker.ts'],
  outdir: 'dist/server',
  entryNames: '[name]',
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
