import { afterEach, expect, it, vi } from 'vitest';
import { type AdminServer, startAdmin } from './admin';

let server: AdminServer | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await server?.close();
});

const start = async (ready: () => Promise<unknown>) => {
  server = await startAdmin({
    port: 0,
    ready,
    pages: { '/metrics': async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }) },
  });
  return `http://127.0.0.1:${server.port}`;
};

it('says that the process lives, whatever the database does', async () => {
  const base = await start(() => Promise.reject(new Error('down')));
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
});

it('says that the node is ready only while the database answers', async () => {
  let answers = true;
  const base = await start(async () => {
    if (!answers) throw new Error('down');
  });
  expect((await fetch(`${base}/readyz`)).status).toBe(200);
  answers = false;
  expect((await fetch(`${base}/readyz`)).status).toBe(503);
});

it('takes a silent database for one that is down', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let asked: () => void = () => undefined;
  const wasAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const base = await start(() => {
    asked();
    return new Promise(() => undefined);
  });
  const answer = fetch(`${base}/readyz`);
  await wasAsked;
  await vi.advanceTimersByTimeAsync(2000);
  expect((await answer).status).toBe(503);
});

it('serves further pages and no others', async () => {
  const base = await start(async () => undefined);
  const metrics = await fetch(`${base}/metrics`);
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await metrics.text()).toBe('up 1\n');
  expect((await fetch(`${base}/secrets`)).status).toBe(404);
});
