import { cp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildEngine, startEngineFirst } from './build-engine.mjs';
import { precompress } from './precompress.mjs';
import { run } from './run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };

// The site: the engine, whose address the pages name, exported pages, then the service worker that lists it all, then the
// compressed copies.
await rm(join(root, 'out'), { recursive: true, force: true });
const engine = join(root, 'dist/engine');
const script = await buildEngine(root, engine);
await run(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build'], {
  cwd: root,
  env: { ...env, NEXT_PUBLIC_ENGINE: script },
});
await cp(engine, join(root, 'out'), { recursive: true });
await rm(engine, { recursive: true });
await startEngineFirst(root, join(root, 'out'), script);
await run(process.execPath, [join(root, 'scripts/build-service-worker.mjs')], { cwd: root, env });
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
