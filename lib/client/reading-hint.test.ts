import { expect, test } from 'vitest';
import type { ConversationRow } from './db';
import { asRead } from './reading-hint';

const row = (conversationId: string, lastSeq: number, unread: number) =>
  ({ conversationId, cursor: lastSeq, lastSeq, unread }) as ConversationRow;

test('who has read all elsewhere has nothing unread, and who has not keeps the count of the row', () => {
  const rows = [row('all', 7, 3), row('part', 7, 3), row('since', 8, 1), row('other', 2, 2)];
  const read = new Map([
    ['all', 7],
    ['part', 5],
    ['since', 7],
  ]);
  expect(asRead(rows, read).map(({ unread }) => unread)).toEqual([0, 3, 1, 2]);
  // A row that says so already is the same row: nothing is drawn anew for it.
  const settled = row('all', 7, 0);
  expect(asRead([settled], read)[0]).toBe(settled);
});

test('a hint that changes no row gives back the very rows', () => {
  const rows = [row('all', 7, 0), row('other', 2, 2)];
  expect(asRead(rows, new Map([['all', 7]]))).toBe(rows);
  expect(asRead(rows, new Map([['other', 2]]))).not.toBe(rows);
});
