import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PHASE_DEVELOPMENT_SERVER } from 'next/constants.js';
import { sourceHash } from './scripts/source-hash.mjs';

const root = dirname(fileURLToPath(import.meta.url));

/** @returns {import('next').NextConfig} */
export default function config(phase) {
  const common = {
    trailingSlash: false,
    images: { unoptimized: true },
    turbopack: {
      root,
      // Sentences are compiled by the build: the pages hold what fills them in, not what reads their grammar.
      rules: { '**/app/i18n/{en,fr}.ts': { loaders: [join(root, 'scripts/sentences.mjs')] } },
      resolveAlias: { 'use-intl/format-message': 'use-intl/format-message/format-only' },
    },
    poweredByHeader: false,
    // `tsc` checks the types of everything; a build need not do it again, tests included.
    typescript: { ignoreBuildErrors: true },
  };
  if (phase === PHASE_DEVELOPMENT_SERVER) {
    const server = `http://localhost:${process.env.SERVER_PORT ?? '3001'}`;
    return {
      ...common,
      rewrites: async () =>
        ['/trpc/:path*', '/ws'].map((source) => ({ source, destination: `${server}${source}` })),
    };
  }
  // The same sources give the same files, byte for byte.
  return { ...common, output: 'export', generateBuildId: async () => sourceHash(root) };
}
