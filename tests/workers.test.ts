import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../server/http/free-port';
import { LeanDevice, leanGroup } from './lean-device';
import { NodeProcess, TestRedis } from './node-process';
import { startPostgres, type TestPostgres } from './postgres';

let postgres: TestPostgres;
let redis: TestRedis;
let node: NodeProcess;
const workers = 3;
const devices: LeanDevice[] = [];

beforeAll(async () => {
  postgres = await startPostgres(await freePort());
  redis = await TestRedis.start();
  node = await NodeProcess.start({ DATABASE_URL: postgres.url, REDIS_URL: redis.url }, workers);
});
afterAll(async () => {
  for (const device of devices) device.stop();
  await node.stop();
  await redis.stop();
  await postgres.stop();
});

const connectionsByWorker = async () => {
  const { text } = await node.page('/metrics');
  return [...text.matchAll(/^aparte_connections\{worker="(\d+)"\} (\d+)/gm)].map((found) => Number(found[2]));
};

test('several workers share one port, carry messages among each other, and are started anew when one dies', async () => {
  for (let index = 0; index < 40; index++) {
    const device = new LeanDevice([node.origin]);
    await device.signUp();
    devices.push(device);
  }
  const conversationId = await leanGroup(devices);
  for (const device of devices) device.start();
  for (const device of devices) await device.until(() => device.state.name === 'online');
  const counts = await connectionsByWorker();
  expect(counts).toHaveLength(workers);
  // The kernel deals them out by chance: that a third of 40 is none is one in ten million.
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(devices.length);

  const sent: string[] = [];
  const everyoneHas = async () => {
    for (const device of devices)
      await device.until(() => device.held.get(conversationId)?.clientIds.length === sent.length);
  };
  for (const device of devices.slice(0, 10)) sent.push(await device.send(conversationId));
  await everyoneHas();

  const before = node.workers();
  const [victim = 0] = before;
  process.kill(victim, 'SIGKILL');
  for (const device of devices) await device.until(() => device.state.name === 'online');
  for (const device of devices.slice(10, 20)) sent.push(await device.send(conversationId));
  await everyoneHas();
  for (const device of devices) expect(device.held.get(conversationId)?.clientIds).toEqual(sent);
  // The operators' port says when it is whole again.
  while ((await node.page('/readyz')).status !== 200);
  expect(node.workers()).toHaveLength(workers);
  expect(node.workers()).not.toContain(victim);
});

test('stopped by SIGTERM, it sends its devices away with a word that means: come back', async () => {
  const closed = devices.map((device) => device.closes.length);
  expect(await node.stop()).toBe(0);
  for (const [index, device] of devices.entries())
    await device.until(() => device.closes.length > (closed[index] ?? 0));
  expect(new Set(devices.map((device, index) => device.closes[closed[index] ?? 0]))).toEqual(new Set([4002]));
});
