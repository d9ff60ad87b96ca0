import { expect, test } from 'vitest';
import { Authentication } from './authentication';
import { hashOf } from './tokens';

const row = (ord: number, more: object = {}) => ({
  ord,
  id: `d${ord}`,
  user_id: `u${ord}`,
  last_seen_at: 0,
  revoked: false,
  signed: true,
  ...more,
});

/** A database that answers when a test says so. */
function slowPool() {
  const asked: { name: string; values: unknown[] }[] = [];
  const answers: ((rows: object[] | Error) => void)[] = [];
  const query = (config: { name: string; values: unknown[] }) => {
    asked.push(config);
    return new Promise((resolve, reject) =>
      answers.push((rows) => (rows instanceof Error ? reject(rows) : resolve({ rows }))),
    );
  };
  return {
    asked,
    pool: { query: query as never },
    answer: (rows: object[] | Error) => answers.shift()?.(rows),
  };
}

test('tokens that come while a query is in flight share the next', async () => {
  const { asked, pool, answer } = slowPool();
  const authentication = new Authentication({ pool, now: () => 0 });
  const first = authentication.askerOf('a');
  const rest = ['b', 'c', 'd'].map((token) => authentication.askerOf(token));
  expect(authentication.waiting).toBe(3);
  answer([row(1)]);
  expect(await first).toEqual({ userId: 'u1', deviceId: 'd1' });
  answer([row(3), row(1, { signed: false })]);
  expect(await Promise.all(rest)).toEqual([undefined, undefined, { userId: 'u3', deviceId: 'd3' }]);
  expect(asked.map(({ values }) => values)).toEqual([
    [[hashOf('a')]],
    [['b', 'c', 'd'].map((token) => hashOf(token))],
  ]);
});

test('a device that is shut out learns so, and its neighbours in the query do not', async () => {
  const { pool, answer } = slowPool();
  const authentication = new Authentication({ pool, now: () => 0 });
  const first = authentication.askerOf('a');
  const [bad, good] = [authentication.askerOf('b'), authentication.askerOf('c')];
  answer([]);
  await first;
  answer([row(1, { revoked: true }), row(2)]);
  await expect(bad).rejects.toMatchObject({ code: 'device_revoked' });
  expect(await good).toEqual({ userId: 'u2', deviceId: 'd2' });
});

test('a query that fails fails for those who shared it, and not for the next', async () => {
  const { pool, answer } = slowPool();
  const authentication = new Authentication({ pool, now: () => 0 });
  const [first, second] = [authentication.askerOf('a'), authentication.askerOf('b')];
  answer(new Error('away'));
  await expect(first).rejects.toThrow('away');
  answer([row(1)]);
  expect(await second).toMatchObject({ deviceId: 'd1' });
});

test('when thousands come back at once, it is noted at a pace that they were seen, and at the end without rests', async () => {
  const noted: unknown[] = [];
  const query = async ({ name, values: [given] }: { name: string; values: [unknown[]] }) => {
    if (name === 'authenticate') return { rows: given.map((_, at) => row(at + 1, { id: `${given[at]}` })) };
    noted.push(given.length);
    return { rows: [] };
  };
  let rested: (() => void) | undefined;
  const after = (_ms: number, call: () => void) => {
    rested = call;
    return () => undefined;
  };
  const options = { pool: { query: query as never }, now: () => 60_000, after };
  const authentication = new Authentication(options);
  await Promise.all(Array.from({ length: 350 }, (_, index) => authentication.askerOf(`token ${index}`)));
  await eventually(() => expect(rested).toBeDefined());
  // The first of them was found alone.
  expect(noted).toEqual([1, 100]);
  rested?.();
  await eventually(() => expect(noted).toEqual([1, 100, 100]));
  await authentication.settled();
  expect(noted).toEqual([1, 100, 100, 149]);
});

test('connections wait a moment for others, and who calls waits for nobody and takes them along', async () => {
  const asked: number[] = [];
  const query = async ({ name, values: [given] }: { name: string; values: [unknown[]] }) => {
    if (name === 'authenticate') asked.push(given.length);
    return { rows: given.map((_, at) => row(at + 1)) };
  };
  let nowMs = 1_000;
  let rested: (() => void) | undefined;
  const after = (ms: number, call: () => void) => {
    expect(ms).toBe(15);
    rested = call;
    return () => undefined;
  };
  const options = { pool: { query: query as never }, now: () => nowMs, after };
  const authentication = new Authentication(options);
  // Nobody was there lately.
  await authentication.askerOf('alone', true);
  nowMs += 10;
  const some = [authentication.askerOf('a', true), authentication.askerOf('b', true)];
  await eventually(() => expect(asked).toEqual([1]));
  nowMs += 15;
  rested?.();
  await Promise.all(some);
  expect(asked).toEqual([1, 2]);
  nowMs += 10;
  const patient = authentication.askerOf('c', true);
  await eventually(() => expect(asked).toEqual([1, 2]));
  await authentication.askerOf('d');
  await patient;
  expect(asked).toEqual([1, 2, 2]);
});

test('where a query takes long, more share the next one, and nobody waits longer than a quarter of a second', async () => {
  const rests: number[] = [];
  let nowMs = 1_000;
  let tookMs = 20;
  const query = async ({ values: [given] }: { values: [unknown[]] }) => {
    nowMs += tookMs;
    return { rows: given.map((_, at) => row(at + 1, { last_seen_at: nowMs })) };
  };
  const after = (ms: number, call: () => void) => {
    rests.push(ms);
    nowMs += ms;
    queueMicrotask(call);
    return () => undefined;
  };
  const options = { pool: { query: query as never }, now: () => nowMs, after };
  const authentication = new Authentication(options);
  await authentication.askerOf('a', true);
  tookMs = 90;
  await authentication.askerOf('b', true);
  await authentication.askerOf('c', true);
  // Counted from the start of the query before.
  expect(rests).toEqual([140, 160]);
});

/** Gives promises their turns. */
async function eventually(expectation: () => void): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
  expectation();
}

test('refuses when too many wait', async () => {
  const { pool } = slowPool();
  const authentication = new Authentication({ pool, now: () => 0, maxWaiting: 1 });
  void authentication.askerOf('a');
  void authentication.askerOf('b');
  await expect(authentication.askerOf('c')).rejects.toMatchObject({ code: 'overloaded' });
});
