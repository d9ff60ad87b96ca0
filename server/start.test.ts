import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { withinMsOf } from '../lib/protocol/close-reason';
import { framesOf } from '../lib/protocol/frames';
import { directConversationId } from '../lib/protocol/names';
import { keyMaterial } from '../tests/key-material';
import { startPostgres } from '../tests/postgres';
import { freePort } from './http/free-port';
import { noRates } from './limiter';
import type { AppRouter } from './routers/app';
import { type RunningServer, startServer } from './start';

let server: RunningServer;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'aparte-start-'));
  server = await startServer({ port: 0, dataDir, logLevel: 'silent', rates: noRates });
}, 60_000);

afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** A device with a cookie of its own, its frames in order of arrival. */
async function signedUp(at = server) {
  let cookie = '';
  const api = createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${at.origin}/trpc`,
        fetch: async (input, init) => {
          const headers = new Headers(init?.headers as HeadersInit);
          headers.set('origin', at.origin);
          if (cookie !== '') headers.set('cookie', cookie);
          const response = await fetch(input as string, { ...(init as RequestInit), headers });
          cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
          return response;
        },
      }),
    ],
  });
  const material = keyMaterial();
  const { request } = material;
  const account = await api.accounts.signUp.mutate(request);
  return { api, material, ...account, connect: () => connect(cookie, at.origin, at) };
}

function connect(cookie: string, origin = server.origin, at = server) {
  const socket = new WebSocket(`${at.origin.replace('http', 'ws')}/ws`, { headers: { cookie, origin } });
  const frames: { t: string; [key: string]: unknown }[] = [];
  const waiting: (() => void)[] = [];
  let closeCode = 0;
  let closeReason = '';
  const wake = () => {
    for (const look of waiting.splice(0)) look();
  };
  socket.on('message', (data) => {
    frames.push(...framesOf(String(data)));
    wake();
  });
  socket.on('close', (code, told) => {
    closeCode = code;
    closeReason = String(told);
    wake();
  });
  const until = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return {
    socket,
    frames,
    next: (t: string) =>
      until(() => {
        const found = frames.find((frame) => frame.t === t);
        // What is closed brings nothing more: say so, instead of waiting until the test is cut off.
        if (found === undefined && closeCode > 0) throw new Error(`closed with ${closeCode} before ${t}`);
        return found;
      }),
    closed: () => until(() => closeCode || undefined),
    reason: () => closeReason,
  };
}

test('carries a message from sign-up to the other device, its envelope first', async () => {
  const [anna, bert] = [await signedUp(), await signedUp()];
  const conversationId = await directConversationId(anna.userId, bert.userId);
  const [a, b] = [anna.connect(), bert.connect()];
  await Promise.all([a.next('ready'), b.next('ready')]);
  const made = await anna.api.conversations.create.mutate({
    conversationId,
    kind: 'direct',
    memberIds: [bert.userId],
  });
  const clientId = randomUUID();
  const message = {
    conversationId,
    clientId,
    slot: 'log' as const,
    rosterVersion: made.rosterVersion,
    ciphertext: 'sealed',
    envelopes: [{ recipientDeviceId: bert.deviceId, type: 'm.room_key', content: 'key' }],
  };
  a.socket.send(JSON.stringify({ t: 'send', r: 7, message }));
  expect(await a.next('sent')).toMatchObject({ r: 7, seq: 1 });
  expect(await b.next('message')).toMatchObject({ message: { clientId, seq: 1, ciphertext: 'sealed' } });
  expect(b.frames.map((frame) => frame.t)).toEqual(['ready', 'conversation', 'envelopes', 'message']);
  const pulled = await bert.api.messages.pull.query({ conversationId, after: 0, limit: 10 });
  expect(pulled).toMatchObject({ lastSeq: 1, messages: [{ clientId }] });
  const { envelopes } = await bert.api.envelopes.pull.query({ after: 0, limit: 10 });
  expect(envelopes).toMatchObject([{ content: 'key', senderDeviceId: anna.deviceId }]);
  await bert.api.envelopes.ack.mutate({ ids: envelopes.map((envelope) => envelope.id) });
  expect((await bert.api.envelopes.pull.query({ after: 0, limit: 10 })).envelopes).toEqual([]);
  a.socket.terminate();
  b.socket.terminate();
});

test('what a device says to be for its others reaches nobody else’s, early or stored', async () => {
  const [anna, bert] = [await signedUp(), await signedUp()];
  const [a, b] = [anna.connect(), bert.connect()];
  await Promise.all([a.next('ready'), b.next('ready')]);
  const envelopes = [{ recipientDeviceId: bert.deviceId, type: 'aparte.note', content: 'read' }];
  a.socket.send(JSON.stringify({ t: 'note', r: 1, note: { devicesVersion: 1, envelopes } }));
  expect(await a.next('error')).toMatchObject({ r: 1, code: 'forbidden' });
  b.socket.send(JSON.stringify({ t: 'ping' }));
  await b.next('pong');
  expect(b.frames.map((frame) => frame.t)).toEqual(['ready', 'pong']);
  expect((await bert.api.envelopes.pull.query({ after: 0, limit: 10 })).envelopes).toEqual([]);
  a.socket.terminate();
  b.socket.terminate();
});

test('closes an unknown token with 4500 and a foreign origin with 4502', async () => {
  expect(await connect('aparte=none').closed()).toBe(4500);
  expect(await connect('aparte=none', 'https://elsewhere.example').closed()).toBe(4502);
});

test('lets the newer connection of a device replace the older', async () => {
  const anna = await signedUp();
  const older = anna.connect();
  await older.next('ready');
  const newer = anna.connect();
  await newer.next('ready');
  expect(await older.closed()).toBe(4006);
  newer.socket.send(JSON.stringify({ t: 'ping' }));
  await newer.next('pong');
  newer.socket.terminate();
});

test('shuts a revoked device out at once', async () => {
  const anna = await signedUp();
  const socket = anna.connect();
  await socket.next('ready');
  await anna.api.devices.revoke.mutate(anna.material.revocation(anna.deviceId, Date.now()));
  expect(await socket.closed()).toBe(4501);
  await expect(anna.api.accounts.me.query()).rejects.toMatchObject({ data: { aparte: 'device_revoked' } });
  expect(await anna.connect().closed()).toBe(4501);
});

test('who comes while the database is away is told to come back, and not all at once', async () => {
  const postgres = await startPostgres(await freePort());
  const node = await startServer({
    port: 0,
    databaseUrl: postgres.url,
    dataDir,
    logLevel: 'silent',
    rates: noRates,
  });
  try {
    const anna = await signedUp(node);
    const before = anna.connect();
    await before.next('ready');
    await postgres.kill();
    // A process of it may outlive the first by a moment, and answer.
    const turnedAway = async () => {
      const socket = anna.connect();
      const code = await Promise.race([socket.closed(), socket.next('ready').then(() => 0)]).catch(() => 0);
      socket.socket.terminate();
      return { code, withinMs: withinMsOf(socket.reason()) };
    };
    const told = { code: 4005, withinMs: 10_000 };
    await expect.poll(turnedAway, { interval: 5, timeout: 10_000 }).toEqual(told);
    before.socket.send(JSON.stringify({ t: 'ping' }));
    await before.next('pong');
  } finally {
    await node.close();
    await postgres.stop();
  }
});
