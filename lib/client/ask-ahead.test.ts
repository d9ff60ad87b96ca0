import { expect, test } from 'vitest';
import { askAhead } from './ask-ahead';

/** @returns a step that ends when it is told to, and what it was begun with */
function held<Item, Result>(result: (item: Item) => Result) {
  const begun: Item[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    step: (item: Item) => {
      begun.push(item);
      return new Promise<Result>((resolve) => ends.push(() => resolve(result(item))));
    },
    end: () => ends.shift()?.(),
  };
}

/** Lets everything happen that waits for nothing. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('the next are asked for while the former are taken in, in order', async () => {
  const asked: number[] = [];
  const taken: string[] = [];
  await askAhead([0, 1, 2, 3, 4, 5], {
    ask: async (item) => {
      asked.push(item);
      return item * 10;
    },
    open: async (item, answer) => `${item}:${answer} of ${asked.length}`,
    take: async (_, opened) => {
      taken.push(opened);
    },
  });
  expect(taken).toEqual(['0:0 of 4', '1:10 of 5', '2:20 of 6', '3:30 of 6', '4:40 of 6', '5:50 of 6']);
});

test('one is opened while the one before is taken in; two are never taken in at once', async () => {
  const opening = held((item: number) => item);
  const taking = held<number, void>(() => undefined);
  const done = askAhead([0, 1, 2], { ask: async (item) => item, open: opening.step, take: taking.step });
  await settle();
  opening.end();
  await settle();
  expect([opening.begun, taking.begun]).toEqual([[0, 1], [0]]);
  opening.end();
  await settle();
  expect([opening.begun, taking.begun]).toEqual([[0, 1], [0]]);
  taking.end();
  await settle();
  expect([opening.begun, taking.begun]).toEqual([
    [0, 1, 2],
    [0, 1],
  ]);
  opening.end();
  taking.end();
  await settle();
  taking.end();
  await done;
  expect(taking.begun).toEqual([0, 1, 2]);
});

test('a failure ends it in its turn; what came before it is taken', async () => {
  const taken: number[] = [];
  const done = askAhead([0, 1, 2], {
    ask: async (item) => {
      if (item === 1) throw new Error('away');
      return item;
    },
    open: async (item) => item,
    take: async (item) => {
      taken.push(item);
    },
  });
  await expect(done).rejects.toThrow('away');
  expect(taken).toEqual([0]);
});

test('what fails while it is taken in ends it, and nothing is taken in after it', async () => {
  const taken: number[] = [];
  const done = askAhead([0, 1, 2], {
    ask: async (item) => item,
    open: async (item) => item,
    take: async (item) => {
      taken.push(item);
      if (item === 0) throw new Error('full');
    },
  });
  await expect(done).rejects.toThrow('full');
  expect(taken).toEqual([0]);
});

test('a failure is told once the one before has been taken in', async () => {
  const taking = held<number, void>(() => undefined);
  const done = askAhead([0, 1], {
    ask: async (item) => item,
    open: async (item) => {
      if (item === 1) throw new Error('damaged');
      return item;
    },
    take: taking.step,
  });
  let told = false;
  done.catch(() => {
    told = true;
  });
  await settle();
  expect(told).toBe(false);
  taking.end();
  await expect(done).rejects.toThrow('damaged');
});
