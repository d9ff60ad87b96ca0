import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type HeaderLines, inlineScriptHashes, securityHeaders } from './security-headers';

export interface Body {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export interface Asset {
  readonly plain: Body;
  readonly brotli: Body | undefined;
  /** Everything except what depends on the request: encoding, validators, length. */
  readonly headers: HeaderLines;
}

export interface Site {
  /** The file behind a path, or undefined where there is none. */
  find(path: string): Asset | undefined;
  readonly notFound: Asset;
}

/** Reads an exported site into memory, once. A folder that is missing gives a site without pages. */
export async function readSite(folder: string, publicOrigin: string): Promise<Site> {
  const files = await filesIn(folder);
  const assets = new Map<string, Asset>();
  for (const file of files) {
    if (file.endsWith('.br')) continue;
    const bytes = await readFile(join(folder, file));
    const brotli = files.has(`${file}.br`) ? await readFile(join(folder, `${file}.br`)) : undefined;
    assets.set(`/${file}`, asset(file, bytes, brotli, publicOrigin));
  }
  const missing = Buffer.from('<!doctype html><title>404</title><p>Not found.');
  return {
    notFound: assets.get('/404.html') ?? asset('404.html', missing, undefined, publicOrigin),
    find(path) {
      const name = decoded(path);
      if (name === undefined) return undefined;
      const bare = name.replace(/\/+$/, '');
      return assets.get(name) ?? assets.get(`${bare}.html`) ?? assets.get(`${bare}/index.html`);
    },
  };
}

function asset(file: string, bytes: Buffer, brotli: Buffer | undefined, publicOrigin: string): Asset {
  const type = contentTypes[extname(file)] ?? 'application/octet-stream';
  const hashes = type.startsWith('text/html') ? inlineScriptHashes(bytes.toString('utf8')) : [];
  const etag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  // Next names these by their content, so they never change; anything else may at the next release.
  const cache = file.startsWith('_next/static/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  return {
    plain: { bytes, etag: `"${etag}"` },
    brotli: brotli && { bytes: brotli, etag: `"${etag}-br"` },
    headers: [
      ['content-type', type],
      ['cache-control', cache],
      ['vary', 'accept-encoding'],
      ...securityHeaders(publicOrigin, hashes),
    ],
  };
}

async function filesIn(folder: string): Promise<Set<string>> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      );
    return new Set(paths);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Set();
    throw error;
  }
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

const contentTypes: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
};
