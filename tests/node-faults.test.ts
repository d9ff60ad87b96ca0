import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { percentile } from '../bench/rows';
import { freePort } from '../server/http/free-port';
import { LeanTown } from './lean-town';
import { NodeProcess, TestRedis } from './node-process';
import { startPostgres, type TestPostgres } from './postgres';

/**
 * Short here. `npm run simulate:nodes` stops Redis twenty times for thirty seconds, on a machine that does nothing
 * else: only there can a latency be judged.
 */
const strict = process.env.STRICT === '1';
const stops = Number(process.env.REDIS_STOPS ?? 1);
const stopMs = Number(process.env.REDIS_STOP_MS ?? 3_000);
/** How long the town writes before, between and after what goes wrong. */
const calmMs = 4_000;

let postgres: TestPostgres;
let redis: TestRedis;
let nodes: NodeProcess[] = [];
let town: LeanTown | undefined;

async function threeNodes(): Promise<void> {
  postgres = await startPostgres(await freePort());
  redis = await TestRedis.start();
  nodes = [];
  for (let index = 0; index < 3; index++) {
    // All nodes are one origin to a browser; the load balancer in front makes it so.
    const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url };
    const [first] = nodes;
    nodes.push(await NodeProcess.start(first === undefined ? env : { ...env, PUBLIC_ORIGIN: first.origin }));
  }
}

afterEach(async () => {
  town?.close();
  town = undefined;
  await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
  await redis.stop();
  await postgres.stop();
});

test('one of three nodes is killed under load: its devices are back, the others notice little, nothing is lost or twice', async () => {
  await threeNodes();
  town = await LeanTown.build({ nodes, devices: 60, groups: 12, groupSize: 10, seed: 5 });
  town.start(40);
  await wait(calmMs);
  const killedAt = Date.now();
  const own = town.devices.filter((_, index) => index % 3 === 1);
  const others = town.devices.filter((device) => !own.includes(device));
  await nodes[1]?.stop('SIGKILL');
  for (const device of own)
    await device.until(() => device.closes.length > 0 && device.state.name === 'online');
  const backMs = Math.max(...own.map((device) => device.since - killedAt));
  await wait(calmMs);
  await town.stop();
  await town.settled();
  const p95 = percentile(town.latencies(killedAt, Date.now(), others), 0.95);
  const calm = percentile(town.latencies(killedAt - calmMs, killedAt, others), 0.95);
  console.log(
    `all back after ${backMs} ms; the others' p95 ${p95} ms (${calm} before); ${town.acknowledged} messages`,
  );
  expect(town.faults()).toEqual([]);
  expect(town.acknowledged).toBeGreaterThan(200);
  expect(backMs).toBeLessThan(60_000);
  expect(p95).toBeLessThan(strict ? 250 : 10_000);
});

test(`Redis is stopped ${stops} times for ${stopMs} ms under load: nothing acknowledged is lost, gaps close within 5 s`, {
  timeout: 240_000 + stops * (stopMs + 60_000),
}, async () => {
  await threeNodes();
  town = await LeanTown.build({ nodes, devices: 60, groups: 12, groupSize: 10, seed: 6 });
  const gaps: number[] = [];
  town.start(40);
  for (let stop = 0; stop < stops; stop++) {
    await wait(calmMs);
    await redis.stop();
    await wait(stopMs);
    // Each node goes on, and says what is missing.
    for (const node of nodes) {
      expect((await node.page('/readyz')).status).toBe(200);
      expect((await node.page('/metrics')).text).toContain('aparte_redis_link_up{link="subscribe"} 0');
    }
    await redis.start();
    const backAt = Date.now();
    await wait(calmMs + 2_000);
    gaps.push(town.lastGapMs(backAt));
    console.log(`stop ${stop + 1}: the last gap closed ${gaps.at(-1)} ms after Redis was back`);
  }
  await town.stop();
  await town.settled();
  console.log(`${town.acknowledged} messages acknowledged; gaps ${Math.max(...gaps)} ms at most`);
  expect(town.faults()).toEqual([]);
  for (const device of town.devices) expect(device.closes).toEqual([]);
  if (strict) expect(Math.max(...gaps)).toBeLessThan(5_000);
});
