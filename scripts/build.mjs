import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { precompress } from './precompress.mjs';
import { run } from './run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };

// The site: exported pages, then the service worker that lists them, then the compressed copies of it all.
await rm(join(root, 'out'), { recursive: true, force: true });
await run(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build'], { cwd: root, env });
const serviceWorker = join(root, 'scripts/build-service-worker.mjs');
if (existsSync(serviceWorker)) await run(process.execPath, [serviceWorker], { cwd: root, env });
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
