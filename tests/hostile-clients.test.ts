import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { percentile } from '../bench/rows';
import { beat, beatMs } from '../lib/protocol/frames';
import { freePort } from '../server/http/free-port';
import type { Attack } from './hostile-client';
import { LeanDevice, leanGroup } from './lean-device';
import { LeanTown } from './lean-town';
import { NodeProcess } from './node-process';
import { startPostgres, type TestPostgres } from './postgres';

/**
 * `npm run simulate:hostile` for the whole of it, on a machine that does nothing else: only there can a latency be
 * judged. Here the others are merely served.
 */
const strict = process.env.STRICT === '1';
const halfOpen = strict ? 50_000 : 5_000;
const calmMs = 4_000;
const run = promisify(execFile);
const program = join(import.meta.dirname, 'hostile-client.ts');

let postgres: TestPostgres;
let node: NodeProcess;
let town: LeanTown;
let eve: LeanDevice;
let calm = 0;

beforeAll(async () => {
  postgres = await startPostgres(await freePort());
  // Nobody speaks for others here: the addresses are those of the sockets.
  node = await NodeProcess.start({ DATABASE_URL: postgres.url, TRUSTED_PROXIES: 'none' });
  eve = new LeanDevice([node.origin]);
  await eve.signUp();
  town = await LeanTown.build({ nodes: [node], devices: 12, groups: 4, groupSize: 6, seed: 3 });
  town.start(20);
  await wait(calmMs);
  calm = percentile(town.latencies(0, Date.now()), 0.99);
});
afterAll(async () => {
  await town.stop();
  await town.settled();
  expect(town.faults()).toEqual([]);
  for (const device of town.devices) expect(device.closes).toEqual([]);
  town.close();
  await node.stop();
  await postgres.stop();
});

/** Lets something happen, and compares what the others notice with how it was before. */
async function nobodyNotices(what: string, attack: () => Promise<void>): Promise<void> {
  const from = Date.now();
  await attack();
  const p99 = percentile(town.latencies(from, Date.now()), 0.99);
  console.log(`${what}: p99 of the others ${p99} ms, ${calm} ms before`);
  expect(p99).toBeLessThan(strict ? 1.5 * Math.max(calm, 20) : 10_000);
}

const metric = async (name: string) =>
  Number(new RegExp(`^${name} (\\S+)`, 'm').exec((await node.page('/metrics')).text)?.[1] ?? Number.NaN);

/** A socket that has upgraded as a device, and does by itself nothing of what a browser does. */
async function rawDevice(device: LeanDevice): Promise<Socket> {
  const socket = connect(node.port, '127.0.0.1');
  await once(socket, 'connect');
  const headers = Object.entries(device.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${headers.join('')}Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  return socket;
}

/** A text message, masked with a key of zeros. */
const rawText = (text: string) =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

test('a peer that says nothing is taken for dead within 30 seconds, and one that beats is not', async () => {
  const alive = new LeanDevice([node.origin]);
  await alive.signUp();
  const [beating, socket] = [await rawDevice(alive), await rawDevice(eve)];
  const connectedAt = performance.now();
  beating.resume();
  socket.resume();
  const beats = setInterval(() => beating.write(rawText(beat)), beatMs);
  await once(socket, 'close');
  clearInterval(beats);
  beating.write(rawText('{"t":"ping"}'));
  const [answer] = await once(beating, 'data');
  expect(String(answer)).toContain('{"t":"pong"}');
  beating.destroy();
  const seconds = (performance.now() - connectedAt) / 1_000;
  console.log(`taken for dead after ${seconds.toFixed(1)} s`);
  expect(seconds).toBeGreaterThan(20);
  expect(seconds).toBeLessThan(strict ? 30 : 60);
});

test('a client that reads nothing is cut when a megabyte waits for it, wherever that is kept', async () => {
  const reader = town.devices[0];
  if (reader === undefined) throw new Error('There is nobody.');
  const conversationId = await leanGroup([reader, eve]);
  const socket = await rawDevice(eve);
  await once(socket, 'readable');
  let most = 0;
  await nobodyNotices('a client that reads nothing', async () => {
    while ((await metric('aparte_slow_consumers_cut_total')) === 0) {
      await reader.send(conversationId, 60_000);
      most = Math.max(most, await metric('aparte_unacknowledged_bytes'));
    }
  });
  // What was kept for it, the buffers of both kernels included, is all that there is to read now.
  let received = 0;
  socket.on('data', (chunk) => {
    received += chunk.byteLength;
  });
  await once(socket, 'close');
  console.log(`${most} bytes unacknowledged at most; ${received} bytes were kept for it`);
  expect(received).toBeLessThan(1024 * 1024 + 2 * 65_536);
  expect(received).toBeGreaterThan(256 * 1024);
});

/** @returns what the attacker says came of it */
async function attackOf(wish: Attack): Promise<number[]> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', program, JSON.stringify(wish)], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return z.array(z.number()).parse(JSON.parse(stdout));
}

const floodOf = (garbage: boolean, perSecond: number) =>
  attackOf({ kind: 'flood', port: node.port, headers: eve.headers, garbage, perSecond, ms: 2 * calmMs });

test('a client that sends garbage is answered with errors, then closed', async () => {
  await nobodyNotices('garbage', async () => {
    expect(await floodOf(true, 2_000)).toContain(4004);
  });
});

test('a client that sends 10,000 frames a second is closed, also when it comes back', async () => {
  await nobodyNotices('10,000 frames a second', async () => {
    const closes = await floodOf(false, 10_000);
    expect(closes).toContain(4004);
    // 1006: the address came too often, and was refused before it was a connection.
    expect(closes.slice(0, -1).filter((code) => code !== 4004 && code !== 1006)).toEqual([]);
  });
});

test(`${halfOpen} half-open upgrades from many addresses`, { timeout: 240_000 + halfOpen * 5 }, async () => {
  let most: number[] = [];
  await nobodyNotices('half-open upgrades', async () => {
    most = await attackOf({ kind: 'half-open', port: node.port, count: halfOpen, holdMs: calmMs });
    // One more person is let in meanwhile.
    const newcomer = new LeanDevice([node.origin]);
    await newcomer.signUp();
    newcomer.start();
    await newcomer.until(() => newcomer.state.name === 'online');
    newcomer.stop();
  });
  console.log(`${most[0]} open at most, ${await metric('aparte_sockets_refused_total')} refused`);
});
