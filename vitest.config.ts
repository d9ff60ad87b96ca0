import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{lib,server,app,service-worker,scripts,tests,bench,deploy}/**/*.test.{ts,tsx}'],
    // The simulation takes minutes: `npm run simulate`.
    exclude: ['tests/e2e/**', 'node_modules/**', ...(process.env.SEEDS ? [] : ['tests/simulation.test.ts'])],
    // Two cores: files beside each other, each in a process of its own, since the crypto wasm and the databases are
    // heavy enough to want their memory back.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: 'tests/data-folder.ts',
    // Dexie looks for IndexedDB when it is imported.
    setupFiles: ['fake-indexeddb/auto'],
    // Against hanging only: a busy machine is no failure.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
