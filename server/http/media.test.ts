import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../lib/protocol/limits';
import { dataFolder } from '../../tests/data-folder';
import { keyMaterial } from '../../tests/key-material';
import { noRates } from '../limiter';
import { type RunningServer, startServer } from '../start';

let server: RunningServer;
let folder: string;
let cookie: string;
beforeAll(async () => {
  folder = await dataFolder();
  const rates = { ...noRates, uploads: { burst: 6, perSecond: 0 } };
  server = await startServer({ port: 0, dataDir: folder, logLevel: 'silent', rates });
  cookie = await signUp();
}, 60_000);
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** @returns the cookie of a new device */
async function signUp(): Promise<string> {
  const response = await fetch(`${server.origin}/trpc/accounts.signUp`, {
    method: 'POST',
    headers: { origin: server.origin, 'content-type': 'application/json' },
    body: JSON.stringify(keyMaterial().request),
  });
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

const picture = (size = 20_000) => {
  const bytes = randomBytes(size);
  return { bytes, address: createHash('sha256').update(bytes).digest('base64url') };
};

const put = (address: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${server.origin}/media/${address}`, {
    method: 'PUT',
    headers: { origin: server.origin, cookie, ...headers },
    body,
  });

const get = (address: string, init: RequestInit = {}) => fetch(`${server.origin}/media/${address}`, init);

/** What a refusal says, and that nobody keeps it. */
async function refusal(response: Response): Promise<{ status: number; code: unknown }> {
  expect(response.headers.get('cache-control')).toBe('no-store');
  const { code } = (await response.json()) as { code: unknown };
  return { status: response.status, code };
}

test('what a device stores anybody may fetch who knows the address, and keep for ever', async () => {
  const { bytes, address } = picture(900_000);
  expect((await put(address, bytes)).status).toBe(204);
  const answer = await get(address);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(answer.headers.get('content-type')).toBe('application/octet-stream');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  const head = await get(address, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe('900000');
  expect((await head.arrayBuffer()).byteLength).toBe(0);
});

test('nobody stores without a device’s cookie, from another origin, under a wrong address, or too much', async () => {
  const { bytes, address } = picture();
  expect(await refusal(await put(address, bytes, { cookie: '' }))).toEqual({
    status: 401,
    code: 'unauthenticated',
  });
  expect(await refusal(await put(address, bytes, { origin: 'https://elsewhere.example' }))).toEqual({
    status: 403,
    code: 'origin_forbidden',
  });
  expect(await refusal(await put(picture().address, bytes))).toEqual({ status: 400, code: 'invalid_input' });
  expect(await refusal(await put('short', bytes))).toEqual({ status: 400, code: 'invalid_input' });
  const large = picture(limits.attachmentMaxBytes + 1);
  expect(await refusal(await put(large.address, large.bytes))).toEqual({ status: 413, code: 'too_large' });
  expect(await refusal(await get(address))).toEqual({ status: 404, code: 'not_found' });
  expect(await refusal(await get(large.address))).toEqual({ status: 404, code: 'not_found' });
});

test('an address that is none is refused, and no other method is known', async () => {
  for (const address of ['', 'a', '..%2f..%2fetc%2fpasswd', `${picture().address}/x`])
    expect(await refusal(await get(address))).toEqual({ status: 400, code: 'invalid_input' });
  const answer = await get(picture().address, {
    method: 'DELETE',
    headers: { origin: server.origin, cookie },
  });
  expect(answer.status).toBe(405);
});

test('a device that stores too often is held back, another is not', async () => {
  const codes: unknown[] = [];
  for (let index = 0; index < 8; index++) {
    const { bytes, address } = picture(100);
    const answer = await put(address, bytes);
    codes.push(answer.status === 204 ? 'stored' : (await refusal(answer)).code);
  }
  expect(codes.at(-1)).toBe('rate_limited');
  const { bytes, address } = picture(100);
  expect((await put(address, bytes, { cookie: await signUp() })).status).toBe(204);
});
