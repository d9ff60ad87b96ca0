import { request } from 'node:http';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import { createLog } from '../log';
import { type HttpServer, startHttp } from './server';
import { startTestServer, testConfig } from './test-server';
import type { CallContext } from './trpc';

const t = initTRPC.context<CallContext>().create({
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: { ...shape.data, aparte: error.cause instanceof AparteError ? error.cause.code : null },
  }),
});

let aborted: Promise<void>;
let noteAborted: () => void;
let entered: Promise<void>;
let noteEntered: () => void;
let released: Promise<void>;
let release: () => void;
const renew = () => {
  aborted = new Promise((resolve) => {
    noteAborted = resolve;
  });
  released = new Promise((resolve) => {
    release = resolve;
  });
  entered = new Promise((resolve) => {
    noteEntered = resolve;
  });
};
renew();

const router = t.router({
  hello: t.procedure.input(z.string()).query(({ input }) => `hello ${input}`),
  whoami: t.procedure.query(({ ctx }) => ({ cookie: ctx.headers.get('cookie'), ip: ctx.ip })),
  login: t.procedure.mutation(({ ctx }) => {
    ctx.resHeaders.append('set-cookie', 'device=a; HttpOnly; SameSite=Strict');
    ctx.resHeaders.append('set-cookie', 'second=b');
    return true;
  }),
  length: t.procedure.input(z.string()).mutation(({ input }) => input.length),
  missing: t.procedure.query(() => {
    throw new TRPCError({ code: 'NOT_FOUND' });
  }),
  broken: t.procedure.query(() => {
    throw new Error('a secret place');
  }),
  endless: t.procedure.query(async ({ signal }) => {
    noteEntered();
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    noteAborted();
  }),
  slow: t.procedure.query(async () => {
    noteEntered();
    await released;
    return 'done';
  }),
  counted: t.procedure.input(z.number()).subscription(async function* ({ input }) {
    for (let n = 1; n <= input; n += 1) yield n;
  }),
});

let server: HttpServer;
let base: string;
const logged: string[] = [];
const origin = testConfig.publicOrigin;

beforeAll(async () => {
  ({ server, base } = await startTestServer({
    router,
    createContext: (call) => call,
    log: createLog('info', { write: (line) => logged.push(line) }),
  }));
});
afterAll(() => server.close());

const client = (headers: Record<string, string> = { origin }) =>
  createTRPCClient<typeof router>({ links: [httpBatchLink({ url: `${base}/trpc`, headers })] });
const post = (path: string, body: BodyInit, headers: Record<string, string> = { origin }) =>
  fetch(`${base}/trpc/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

describe('a call', () => {
  it('is answered', async () => {
    expect(await client().hello.query('é')).toBe('hello é');
  });

  it('shares its request with others made at once, each with its own outcome', async () => {
    const api = client();
    const outcomes = await Promise.allSettled([
      api.hello.query('a'),
      api.missing.query(),
      api.hello.query('b'),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'refused'))).toEqual([
      'hello a',
      'refused',
      'hello b',
    ]);
  });

  it('brings its cookie and takes several back, one line each', async () => {
    expect(await client({ cookie: 'device=a' }).whoami.query()).toEqual({
      cookie: 'device=a',
      ip: '127.0.0.1',
    });
    const response = await post('login', '');
    expect(response.headers.getSetCookie()).toEqual(['device=a; HttpOnly; SameSite=Strict', 'second=b']);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['hello?input=1', 400],
    ['missing', 404],
    ['nowhere', 404],
    ['broken', 500],
    ['%E0%A4%A', 400],
  ])('to %s is refused with status %i', async (path, status) => {
    expect((await fetch(`${base}/trpc/${path}`)).status).toBe(status);
  });

  it('that fails unexpectedly is logged once', async () => {
    logged.length = 0;
    await fetch(`${base}/trpc/broken`);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('"procedure":"broken"');
  });

  it('carries bodies that come in many pieces', async () => {
    const text = 'x'.repeat(900_000);
    expect(await client().length.mutate(text)).toBe(text.length);
  });

  it('with a body above the limit is refused with 413 and a typed error, and the server goes on', async () => {
    const response = await post('length', JSON.stringify('x'.repeat(3_000_000)));
    expect(response.status).toBe(413);
    expect((await response.json()).error.data.aparte).toBe('too_large');
    expect(await client().hello.query('still')).toBe('hello still');
  });

  it('with a body that never ends is cut off', async () => {
    const cut = new Promise<void>((resolve) => {
      const sending = request(`${base}/trpc/length`, { method: 'POST', headers: { origin } });
      sending.on('error', () => resolve());
      const piece = Buffer.alloc(1_000_000);
      const send = () => sending.write(piece);
      sending.on('drain', () => setImmediate(send));
      send();
    });
    await cut;
    expect(await client().hello.query('still')).toBe('hello still');
  });

  it('hears that its caller has left', async () => {
    renew();
    const leaving = new AbortController();
    const call = fetch(`${base}/trpc/endless`, { signal: leaving.signal });
    await entered;
    leaving.abort();
    await expect(call).rejects.toThrow();
    await aborted;
  });

  it('may stream', async () => {
    const response = await fetch(`${base}/trpc/counted?input=3`, {
      headers: { accept: 'text/event-stream' },
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect((await response.text()).match(/data: \d/g)).toEqual(['data: 1', 'data: 2', 'data: 3']);
  });
});

describe('the origin of a changing call', () => {
  it.each([undefined, 'https://evil.test', 'null'])('is refused when it is %s', async (wrong) => {
    const response = await post('login', '', wrong === undefined ? {} : { origin: wrong });
    expect(response.status).toBe(403);
    expect((await response.json()).error.data.aparte).toBe('origin_forbidden');
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it('does not matter to a question', async () => {
    expect(await client({}).hello.query('x')).toBe('hello x');
  });

  it('cannot be avoided by asking with GET', async () => {
    expect((await fetch(`${base}/trpc/login`)).status).toBe(405);
  });
});

describe('closing', () => {
  it('lets a running call end and takes no new one', async () => {
    renew();
    const other = await startTestServer({ router, createContext: (call: CallContext) => call });
    const call = fetch(`${other.base}/trpc/slow`);
    await entered;
    const closed = other.server.close();
    await expect(fetch(`${other.base}/trpc/hello?input="x"`)).rejects.toThrow();
    release();
    expect(await (await call).json()).toMatchObject({ result: { data: 'done' } });
    await closed;
  });

  it('does not wait for ever', async () => {
    renew();
    const other = await startTestServer({
      router,
      createContext: (call: CallContext) => call,
      closeTimeoutMs: 20,
    });
    const call = fetch(`${other.base}/trpc/endless`);
    await entered;
    await other.server.close();
    await expect(call).rejects.toThrow();
  });
});

describe('listening', () => {
  it('refuses a port that another process has, in one sentence', async () => {
    const config = { ...testConfig, port: server.port };
    await expect(
      startHttp({ config, router, createContext: (call) => call, log: createLog('silent') }),
    ).rejects.toThrow(/^Port \d+ on 127\.0\.0\.1 is in use/);
  });
});
