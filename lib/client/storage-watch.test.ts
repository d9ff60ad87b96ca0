import { expect, test, vi } from 'vitest';
import { fault } from '../../tests/fault';
import { testKey } from '../../tests/store-key';
import { AparteDb } from './db';
import { StorageWatch } from './storage-watch';

test('pauses between tries grow, and begin anew when a person wants it tried', async () => {
  const db = new AparteDb(testKey, 'storage-watch');
  fault(db, 'QuotaExceededError');
  const pauses: { ms: number; end: () => void }[] = [];
  const watch = new StorageWatch(
    {
      db,
      after: (ms, end) => {
        pauses.push({ ms, end });
        return () => undefined;
      },
      random: () => 1,
      tellStorage: () => undefined,
      log: () => undefined,
    },
    { pause: async () => undefined, resume: () => undefined },
  );
  const paused = (times: number) => vi.waitFor(() => expect(pauses).toHaveLength(times));
  watch.failed(new DOMException('made by the test', 'QuotaExceededError'));
  await paused(1);
  for (let times = 1; times < 4; times++) {
    pauses.at(-1)?.end();
    await paused(times + 1);
  }
  watch.hurry();
  await paused(5);
  const [first, second, third, fourth, asked] = pauses.map(({ ms }) => ms);
  expect([second, third, fourth]).toEqual([first, second, third].map((ms) => 2 * (ms ?? 0)));
  expect(asked).toBe(first);
  await watch.stop();
  db.close();
});
