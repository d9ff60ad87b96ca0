import { expect, test } from 'vitest';
import { askAhead } from './ask-ahead';

test('the next are asked for while the former are taken in, in order', async () => {
  const asked: number[] = [];
  const taken: string[] = [];
  await askAhead(
    [0, 1, 2, 3, 4, 5],
    async (item) => {
      asked.push(item);
      return item * 10;
    },
    async (item, answer) => {
      taken.push(`${item}:${answer} of ${asked.length}`);
    },
  );
  expect(taken).toEqual(['0:0 of 4', '1:10 of 5', '2:20 of 6', '3:30 of 6', '4:40 of 6', '5:50 of 6']);
});

test('a failure ends it in its turn; what came before it is taken', async () => {
  const taken: number[] = [];
  const done = askAhead(
    [0, 1, 2],
    async (item) => {
      if (item === 1) throw new Error('away');
      return item;
    },
    async (item) => {
      taken.push(item);
    },
  );
  await expect(done).rejects.toThrow('away');
  expect(taken).toEqual([0]);
});
