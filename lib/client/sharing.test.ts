import { beforeEach, expect, test } from 'vitest';
import { testKey } from '../../tests/store-key';
import { limits } from '../protocol/limits';
import { AparteDb } from './db';
import { keepShared, shared } from './sharing';

let db: AparteDb;
let databases = 0;
beforeEach(() => {
  db = new AparteDb(testKey, `sharing-${databases++}`);
});

test.each([
  [['Le Monde', 'Read this', 'https://example.org/a'], 'Le Monde\nRead this\nhttps://example.org/a'],
  [['', 'Read this https://example.org/a', 'https://example.org/a'], 'Read this https://example.org/a'],
  [['Same', 'Same', ''], 'Same'],
  [[' spaced ', '', ''], 'spaced'],
])('of %j one text is kept, nothing of it twice', async (parts, text) => {
  await keepShared(db, parts, 1_000);
  expect(await shared(db, 2_000)).toBe(text);
});

test('nothing is kept of nothing, no more than a message holds of much, and not for ever', async () => {
  await keepShared(db, ['', ' ', ''], 1_000);
  expect(await shared(db, 1_000)).toBe(null);
  await keepShared(db, ['x'.repeat(limits.textMaxLength + 5)], 1_000);
  expect((await shared(db, 1_000))?.length).toBe(limits.textMaxLength);
  expect(await shared(db, 1_000 + 25 * 3_600_000)).toBe(null);
});
