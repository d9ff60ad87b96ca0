import { Dexie, RangeSet } from 'dexie';
import { expect, test } from 'vitest';
import { testKey } from '../../tests/store-key';
import { AparteDb } from './db';
import { follow } from './follow';

/** Somebody who follows the people of a database, with a clock that is turned by hand. */
async function follower(times: number[] = []) {
  const db = new AparteDb(testKey, `follow-${Math.random()}`);
  await db.open();
  const seen: string[] = [];
  const rests: { ms: number; end: () => void }[] = [];
  const wake: (() => void)[] = [];
  let now = 0;
  const woken = () => {
    for (const look of wake.splice(0)) look();
  };
  const until = async (look: () => boolean) => {
    while (!look()) await new Promise<void>((resolve) => wake.push(resolve));
  };
  const end = follow({
    db,
    tables: ['people'],
    read: async () => {
      const took = times.shift() ?? 20;
      const rows = await db.people.toArray();
      now += took;
      return rows.map((row) => row.userId).join();
    },
    next: (value) => seen.push(value),
    error: (error) => seen.push(String(error)),
    now: () => now,
    after: (ms, call) => {
      rests.push({ ms, end: call });
      woken();
    },
  });
  const add = (userId: string) => db.people.put({ userId, handle: userId, name: null, nameAt: 0 });
  /** Waits until it rests. @returns how long it wants to, ms, and what ends the rest */
  const resting = async () => {
    await until(() => rests.length > 0);
    const rest = rests.shift();
    if (!rest) throw new Error('It does not rest.');
    return rest;
  };
  return { db, seen, add, resting, rests, end };
}

test('what changes while a long list rests is read once after that, and nothing is read when nothing has changed', async () => {
  const { seen, add, resting, rests } = await follower();
  const first = await resting();
  expect([seen, first.ms]).toEqual([[''], 40]);
  await add('anna');
  await add('bert');
  expect(seen).toEqual(['']);
  first.end();
  (await resting()).end();
  expect(seen).toEqual(['', 'anna,bert']);
  expect(rests).toEqual([]);
  await add('carl');
  await resting();
  expect(seen).toEqual(['', 'anna,bert', 'anna,bert,carl']);
});

test('other tables do not concern it, and after the end it hears of nothing', async () => {
  const { db, seen, add, resting, rests, end } = await follower();
  (await resting()).end();
  await db.writeMeta('autoLockMinutes', 1);
  await db.people.bulkPut([]);
  expect(seen).toEqual(['']);
  end();
  await add('anna');
  expect([seen, rests]).toEqual([[''], []]);
});

test('a page that comes back from the browser’s cache reads again, and a closed database is tried again', async () => {
  const { db, seen, add, resting } = await follower();
  (await resting()).end();
  Dexie.on.storagemutated.fire({ all: new RangeSet(0, 1) });
  expect((await resting()).ms).toBe(40);
  const other = await follower();
  const pause = await other.resting();
  other.db.close({ disableAutoOpen: true });
  await add('anna');
  pause.end();
  Dexie.on.storagemutated.fire({ all: new RangeSet(0, 1) });
  const closed = await other.resting();
  expect(closed.ms).toBe(1_000);
  await other.db.open();
  await other.add('bert');
  closed.end();
  await other.resting();
  expect(other.seen).toEqual(['', 'bert']);
  expect(seen).toEqual(['', '']);
  db.close();
});

test('what was still being read at the end is told to nobody', async () => {
  const seen: string[] = [];
  let answer: (value: string) => void = () => undefined;
  const end = follow({
    db: new AparteDb(testKey, 'follow-ended'),
    tables: ['people'],
    read: () => new Promise<string>((resolve) => (answer = resolve)),
    next: (value) => seen.push(value),
    error: (error) => seen.push(String(error)),
  });
  end();
  answer('of the account before');
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(seen).toEqual([]);
});

test('after a reading that waited for others it rests as after the one before', async () => {
  const { add, resting } = await follower([20, 300, 200]);
  for (const ms of [40, 40, 400]) {
    const rest = await resting();
    expect(rest.ms).toBe(ms);
    await add(`${ms}`);
    rest.end();
  }
});
