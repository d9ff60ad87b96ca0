import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { messageRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { AparteDb } from './db';
import { SearchMaker } from './search-maker';

let databases = 0;
let db: AparteDb;
let maker: SearchMaker;
/** What waits for a time, with that time. */
let timers: { ms: number; call: () => void }[];

beforeEach(() => {
  db = new AparteDb(testKey, `search-maker-${databases++}`);
  timers = [];
  maker = new SearchMaker({
    db,
    after: (ms, call) => {
      // What is watched is told a moment later, at once here.
      if (ms === 0) setImmediate(call);
      const timer = { ms, call };
      if (ms > 0) timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    log: (event, error) => {
      throw new Error(event, { cause: error });
    },
  });
});
afterEach(async () => {
  await maker.stop();
  db.close();
});

const say = (order: number, body: string) => db.messages.put(messageRow(order, body));

const waiting = (ms: number[]) => vi.waitFor(() => expect(timers.map((timer) => timer.ms)).toEqual(ms));
const searchable = (texts: string) =>
  vi.waitFor(async () => expect((await db.searchBlocks.toArray()).map((row) => row.texts)).toEqual([texts]));

test('what was said can be found a moment later, what is said meanwhile with it', async () => {
  await say(1, 'one');
  await waiting([300]);
  await say(2, 'two');
  expect(await db.searchBlocks.count()).toBe(0);
  timers[0]?.call();
  await searchable('one\ntwo');
});

test('what a history brings can be found once it is here, or after a while', async () => {
  maker.history(true);
  await say(1, 'one');
  await waiting([20_000]);
  timers[0]?.call();
  await searchable('one');
  await say(2, 'two');
  await waiting([20_000]);
  maker.history(false);
  await searchable('one\ntwo');
});
