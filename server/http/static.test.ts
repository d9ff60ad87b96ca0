import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { initTRPC } from '@trpc/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpServer } from './server';
import { startTestServer } from './test-server';

const inline = 'self.__next_f.push([1,"é"])';
const page = `<!DOCTYPE html><script src="/_next/static/a.js"></script><script>${inline}</script>`;
const script = 'console.log("hello");'.repeat(50);
const large = Buffer.alloc(9 * 1024 * 1024, 7);

let folder: string;
let server: HttpServer;
let base: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aparte-site-'));
  await mkdir(join(folder, '_next/static'), { recursive: true });
  await writeFile(join(folder, 'index.html'), page);
  await writeFile(join(folder, 'devices.html'), '<title>Devices</title>');
  await writeFile(join(folder, '404.html'), '<title>Nowhere</title>');
  await writeFile(join(folder, '_next/static/a.js'), script);
  await writeFile(join(folder, '_next/static/a.js.br'), brotliCompressSync(script));
  await writeFile(join(folder, 'crypto.wasm'), large);
  ({ server, base } = await startTestServer({
    router: initTRPC.create().router({}),
    createContext: () => ({}),
    siteFolder: folder,
  }));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** fetch hides the encoding of what it decodes, so these ask for what they mean. */
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(base + path, { headers: { 'accept-encoding': 'identity', ...headers } });

describe('the exported site', () => {
  it('answers / with the index page', async () => {
    const response = await get('/');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toBe(page);
  });

  it('answers a route with its page, with and without a final slash', async () => {
    expect(await (await get('/devices')).text()).toContain('Devices');
    expect(await (await get('/devices/')).text()).toContain('Devices');
  });

  it.each(['/nothing', '/../server/config.ts', '/%2e%2e/package.json', '/%E0%A4%A', '/_next'])(
    'answers %s with the 404 page',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(await response.text()).toContain('Nowhere');
    },
  );

  it('keeps hashed files for a year and asks again for all others', async () => {
    expect((await get('/_next/static/a.js')).headers.get('cache-control')).toBe(
      'public, max-age=31536000, immutable',
    );
    expect((await get('/devices')).headers.get('cache-control')).toBe('no-cache');
  });

  it('sends brotli to those who take it and the plain file to the others', async () => {
    const compressed = await get('/_next/static/a.js', { 'accept-encoding': 'gzip, br' });
    expect(compressed.headers.get('content-encoding')).toBe('br');
    expect(await compressed.text()).toBe(script);
    const refused = await get('/_next/static/a.js', { 'accept-encoding': 'br;q=0, gzip' });
    expect(refused.headers.get('content-encoding')).toBeNull();
    expect(await refused.text()).toBe(script);
  });

  it('does not offer the compressed copies as files of their own', async () => {
    expect((await get('/_next/static/a.js.br')).status).toBe(404);
  });

  it('answers 304 without a body to one who has the file', async () => {
    const etag = (await get('/devices')).headers.get('etag') ?? '';
    const again = await get('/devices', { 'if-none-match': `"other", W/${etag}` });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await get('/devices', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('answers HEAD with the length and no body, twice on one connection', async () => {
    for (let round = 0; round < 2; round += 1) {
      const response = await fetch(`${base}/devices`, {
        method: 'HEAD',
        headers: { 'accept-encoding': 'identity' },
      });
      expect(response.headers.get('content-length')).toBe(String('<title>Devices</title>'.length));
      expect(await response.text()).toBe('');
    }
  });

  it('refuses other methods', async () => {
    expect((await fetch(`${base}/devices`, { method: 'DELETE' })).status).toBe(405);
  });

  it('sends a large file whole to a reader that pauses', async () => {
    const received = await new Promise<Buffer>((resolve, reject) => {
      request(`${base}/crypto.wasm`, (response) => {
        expect(response.headers['content-type']).toBe('application/wasm');
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          response.pause();
          setImmediate(() => response.resume());
        });
        response.on('end', () => resolve(Buffer.concat(chunks)));
        response.on('error', reject);
      }).end();
    });
    expect(received.equals(large)).toBe(true);
  });

  it('survives a reader that leaves in the middle of a large file', async () => {
    await new Promise<void>((resolve) => {
      request(`${base}/crypto.wasm`, (response) => {
        response.once('data', () => response.destroy());
        response.on('error', () => undefined);
        response.once('close', resolve);
      }).end();
    });
    expect((await get('/devices')).status).toBe(200);
  });
});

describe('the security headers', () => {
  it('allow the inline scripts of the page by their hash and no others', async () => {
    const policy = (await get('/')).headers.get('content-security-policy') ?? '';
    const hash = createHash('sha256').update(inline).digest('base64');
    const scripts = policy.split('; ').find((directive) => directive.startsWith('script-src'));
    expect(scripts).toBe(`script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}'`);
    expect(policy).not.toContain('unsafe-inline');
  });

  it('stand on pages, on scripts and on the 404 page', async () => {
    for (const path of ['/', '/_next/static/a.js', '/nothing']) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy');
      expect(policy).toContain("style-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("connect-src 'self' ws://localhost:3000");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('permissions-policy')).toContain('camera=(self), microphone=(self)');
    }
  });
});
