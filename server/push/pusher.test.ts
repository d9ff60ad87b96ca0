import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../tests/clock';
import { Pusher, type PusherBounds } from './pusher';
import type { Subscription } from './subscriptions';
import type { PushAnswer } from './transport';

const keys = { publicKey: 'public', privateKey: 'private' };
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

let clock: ManualClock;
let known: Subscription[];
let connected: Set<string>;
let asked: string[];
let pruned: string[];
let answers: (PushAnswer | Error)[];

const device = (deviceId: string, userId = 'anna'): Subscription => ({
  deviceId,
  userId,
  endpoint: `https://push.example.org/${deviceId}`,
  p256dh: '',
  auth: '',
});

beforeEach(() => {
  clock = new ManualClock();
  known = [device('phone')];
  connected = new Set();
  asked = [];
  pruned = [];
  answers = [];
});

function pusher(bounds: Partial<PusherBounds> = {}) {
  return new Pusher({
    find: async (users, devices) =>
      known.filter((one) => users.includes(one.userId) || devices.includes(one.deviceId)),
    prune: async ({ deviceId }) => {
      pruned.push(deviceId);
    },
    connected: async (devices) =>
      new Set(devices.map((one) => one.deviceId).filter((id) => connected.has(id))),
    keys,
    transport: async ({ deviceId }) => {
      asked.push(deviceId);
      const answer = answers.shift() ?? { status: 201, retryAfterMs: null };
      if (answer instanceof Error) throw answer;
      return answer;
    },
    now: clock.now,
    random: () => 0,
    after: clock.after,
    onError: (error) => {
      throw error;
    },
    bounds,
  });
}

const pass = async (ms: number) => {
  clock.pass(ms);
  await settled();
};

test('many messages within a moment are one push', async () => {
  const one = pusher();
  for (let count = 0; count < 50; count++) one.wake(['anna']);
  await pass(1_000);
  expect(asked).toEqual(['phone']);
  expect(one.counts.sent).toBe(1);
  expect(one.queued).toBe(0);
});

test('a device that is connected is not woken, even if it connects at the last moment', async () => {
  connected.add('phone');
  known.push(device('tablet'));
  const one = pusher();
  one.wake(['anna']);
  await pass(1_000);
  expect(asked).toEqual(['tablet']);
  expect(one.counts.connected).toBe(1);
  one.wake(['anna']);
  await pass(1_000);
  connected.add('tablet');
  await pass(5_000);
  expect(asked).toEqual(['tablet']);
});

test('a device is woken again by a later message, but not more often than every few seconds', async () => {
  const one = pusher();
  one.wake(['anna']);
  await pass(1_000);
  for (let second = 0; second < 4; second++) {
    one.wake(['anna']);
    await pass(1_000);
  }
  expect(asked).toHaveLength(1);
  await pass(1_000);
  expect(asked).toHaveLength(2);
});

test('what a broken connection was sent lately counts as not arrived, for that device only', async () => {
  known.push(device('tablet'));
  connected = new Set(['phone', 'tablet']);
  const one = pusher();
  one.wake(['anna']);
  await pass(1_000);
  connected.delete('phone');
  one.lost('anna', 'phone');
  await pass(1_000);
  expect(asked).toEqual(['phone']);
  await pass(90_001);
  one.lost('anna', 'phone');
  await pass(1_000);
  expect(asked).toEqual(['phone']);
});

test('what was told a moment after the last that was noted counts as long as that', async () => {
  const one = pusher({ deadForMs: 90_000 });
  connected.add('phone');
  one.wake(['anna']);
  await pass(900);
  one.wake(['anna']);
  await pass(89_999);
  connected.clear();
  one.lost('anna', 'phone');
  await pass(1_000);
  expect(asked).toEqual(['phone']);
});

test('a push service in trouble is asked again, ever later, and not for ever', async () => {
  answers = [new Error('cut'), { status: 503, retryAfterMs: null }, { status: 429, retryAfterMs: 60_000 }];
  const one = pusher({ tries: 4 });
  one.wake(['anna']);
  await pass(1_000);
  expect(asked).toHaveLength(1);
  await pass(1_000);
  expect(asked).toHaveLength(2);
  await pass(3_999);
  expect(asked).toHaveLength(2);
  await pass(1);
  expect(asked).toHaveLength(3);
  await pass(59_999);
  expect(asked).toHaveLength(3);
  answers = [{ status: 500, retryAfterMs: null }];
  await pass(1);
  expect(asked).toHaveLength(4);
  await pass(10_000_000);
  expect(asked).toHaveLength(4);
  expect(one.counts).toMatchObject({ retried: 3, failed: 1, sent: 0 });
  expect(one.queued).toBe(0);
});

test('an address that is gone is forgotten, and one that is refused is given up', async () => {
  answers = [{ status: 410, retryAfterMs: null }];
  const one = pusher();
  one.wake(['anna']);
  await pass(1_000);
  expect(pruned).toEqual(['phone']);
  answers = [{ status: 403, retryAfterMs: null }];
  one.wake(['anna']);
  await pass(1_000);
  expect(asked).toHaveLength(2);
  expect(pruned).toEqual(['phone']);
  expect(one.counts).toMatchObject({ pruned: 1, failed: 1 });
});

test('what exceeds the bounds is dropped and counted', async () => {
  known = Array.from({ length: 10 }, (_, index) => device(`d${index}`, `u${index}`));
  const one = pusher({ maxUsers: 6, maxQueue: 4 });
  one.wake(known.map((each) => each.userId));
  expect(one.counts.dropped).toBe(4);
  await pass(1_000);
  expect(asked).toHaveLength(4);
  expect(one.counts.dropped).toBe(6);
});

test('no more requests are under way than allowed, and closing waits for them', async () => {
  known = Array.from({ length: 10 }, (_, index) => device(`d${index}`));
  const open: (() => void)[] = [];
  const one = new Pusher({
    find: async () => known,
    prune: async () => undefined,
    connected: async () => new Set<string>(),
    keys,
    transport: ({ deviceId }) => {
      asked.push(deviceId);
      return new Promise((resolve) => open.push(() => resolve({ status: 201, retryAfterMs: null })));
    },
    now: clock.now,
    random: () => 0,
    after: clock.after,
    onError: (error) => {
      throw error;
    },
    bounds: { concurrency: 3 },
  });
  one.wake(['anna']);
  await pass(1_000);
  expect(asked).toHaveLength(3);
  open.shift()?.();
  await settled();
  expect(asked).toHaveLength(4);
  let closed = false;
  const closing = one.close().then(() => {
    closed = true;
  });
  await settled();
  expect(closed).toBe(false);
  for (const answer of open) answer();
  await closing;
  expect(asked).toHaveLength(4);
  one.wake(['anna']);
  await pass(10_000);
  expect(asked).toHaveLength(4);
});
