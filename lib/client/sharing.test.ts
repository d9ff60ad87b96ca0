import { beforeEach, expect, test } from 'vitest';
import { testKey } from '../../tests/store-key';
import { limits } from '../protocol/limits';
import { AparteDb } from './db';
import { shareBox, waitingPictures } from './picture-rows';
import { keepShared, shared } from './sharing';

let db: AparteDb;
let databases = 0;
beforeEach(() => {
  db = new AparteDb(testKey, `sharing-${databases++}`);
});

const author = (at: number) => ({ db, now: () => at, newId: () => crypto.randomUUID() });

test.each([
  [['Le Monde', 'Read this', 'https://example.org/a'], 'Le Monde\nRead this\nhttps://example.org/a'],
  [['', 'Read this https://example.org/a', 'https://example.org/a'], 'Read this https://example.org/a'],
  [['Same', 'Same', ''], 'Same'],
  [[' spaced ', '', ''], 'spaced'],
])('of %j one text is kept, nothing of it twice', async (parts, text) => {
  await keepShared(author(1_000), parts);
  expect(await shared(db, 2_000)).toEqual({ text, left: 0 });
});

test('nothing is kept of nothing, no more than a message holds of much, and not for ever', async () => {
  await keepShared(author(1_000), ['', ' ', '']);
  expect(await shared(db, 1_000)).toBe(null);
  await keepShared(author(1_000), ['x'.repeat(limits.textMaxLength + 5)]);
  expect((await shared(db, 1_000))?.text.length).toBe(limits.textMaxLength);
  expect(await shared(db, 1_000 + 25 * 3_600_000)).toBe(null);
});

test('pictures that are shared wait in place of those that were shared before', async () => {
  const picture = { type: 'image/webp' as const, width: 1, height: 1, standIn: 'AA==', bytes: 'AAAA' };
  await keepShared(author(1_000), ['first'], [picture, picture]);
  await keepShared(author(2_000), [''], [{ ...picture, bytes: 'BBBB' }], 1);
  expect(await shared(db, 2_000)).toEqual({ text: '', left: 1 });
  expect((await waitingPictures(db, shareBox)).map((row) => row.bytes)).toEqual(['BBBB']);
});
