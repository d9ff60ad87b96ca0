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

test('refuses when too many wait', async () => {
  const { pool } = slowPool();
  const authentication = new Authentication({ pool, now: () => 0, maxWaiting: 1 });
  void authentication.askerOf('a');
  void authentication.askerOf('b');
  await expect(authentication.askerOf('c')).rejects.toMatchObject({ code: 'overloaded' });
});
