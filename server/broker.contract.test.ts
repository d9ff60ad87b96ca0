import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Broker, Delivery } from './broker';
import { createMemoryBroker } from './broker-memory';
import { createRedisBroker } from './broker-redis';
import { freePort } from './start';

/** What a node received, and a way to wait for it. */
function inbox() {
  const received: Delivery[] = [];
  let wake: (() => void) | undefined;
  return {
    received,
    deliver: (delivery: Delivery) => {
      received.push(delivery);
      wake?.();
    },
    async count(count: number) {
      while (received.length < count)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return received;
    },
  };
}

const frame = (text: string): Delivery => ({
  kind: 'frames',
  userIds: ['u'],
  frame: text,
  exceptDeviceId: 'd',
  before: [{ deviceId: 'e', frame: 'first' }],
});
const everyKind: Delivery[] = [
  frame('{"t":"pong"}'),
  { kind: 'device', userId: 'u', deviceId: 'd', frame: '{}' },
  { kind: 'close', userId: 'u', deviceId: 'd', code: 'replaced', openedBefore: 5, exceptConnectionId: null },
];

let redis: ChildProcess;
let url: string;
beforeAll(async () => {
  const port = await freePort();
  url = `redis://127.0.0.1:${port}`;
  redis = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no']);
  await new Promise<void>((resolve, reject) => {
    redis.once('error', reject);
    redis.stdout?.on('data', (chunk) => String(chunk).includes('Ready to accept') && resolve());
  });
});
afterAll(async () => {
  await new Promise<void>((resolve) => {
    redis.once('exit', () => resolve());
    redis.kill();
  });
});

const failOnError = (error: Error) => {
  throw error;
};
const brokers = {
  memory: async (deliver: (delivery: Delivery) => void): Promise<Broker> => createMemoryBroker(deliver),
  redis: (deliver: (delivery: Delivery) => void) => createRedisBroker({ url, deliver, onError: failOnError }),
};

describe.each(['memory', 'redis'] as const)('the %s broker', (kind) => {
  test('gives its own node every kind of delivery, unchanged, in order and once', async () => {
    const node = inbox();
    const broker = await brokers[kind](node.deliver);
    for (const delivery of everyKind) broker.publish(delivery);
    for (let n = 0; n < 100; n++) broker.publish(frame(String(n)));
    const expected = [...everyKind, ...Array.from({ length: 100 }, (_, n) => frame(String(n)))];
    expect(await node.count(103)).toEqual(expected);
    await broker.close();
  });

  test('delivers nothing after it is closed', async () => {
    const node = inbox();
    const broker = await brokers[kind](node.deliver);
    await broker.close();
    broker.publish(frame('late'));
    expect(node.received).toEqual([]);
  });
});

test('the redis broker carries deliveries to other nodes, in order and once', async () => {
  const [here, there] = [inbox(), inbox()];
  const [one, two] = [await brokers.redis(here.deliver), await brokers.redis(there.deliver)];
  for (const delivery of everyKind) one.publish(delivery);
  for (let n = 0; n < 100; n++) one.publish(frame(String(n)));
  const got = await there.count(103);
  // A round trip of the other node's own ends after everything that came before it on the channel.
  two.publish(frame('end'));
  await here.count(104);
  expect(got).toEqual([
    ...everyKind,
    ...Array.from({ length: 100 }, (_, n) => frame(String(n))),
    frame('end'),
  ]);
  expect(here.received).toHaveLength(104);
  await Promise.all([one.close(), two.close()]);
});
