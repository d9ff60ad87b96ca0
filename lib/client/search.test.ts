import { afterEach, beforeEach, expect, test } from 'vitest';
import { messageRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { cancel, deleteMessage, editMessage } from './change-intents';
import { AparteDb, type MessageRow, pendingOrder } from './db';
import { sendText } from './intents';
import { SearchIndex } from './search';
import { makeBlocks } from './search-blocks';

let databases = 0;
let db: AparteDb;
let index: SearchIndex;

beforeEach(async () => {
  db = new AparteDb(testKey, `search-${databases++}`);
  index = new SearchIndex(db);
  const me = { userId: 'me', deviceId: 'phone', handle: 'me', name: 'Me' };
  await db.writeMeta('session', { state: 'signed_in', ...me });
});
afterEach(() => db.close());

let ids = 0;
const author = () => ({ db, now: () => 5_000, newId: () => `new-${ids++}` });

const message = (order: number, body: string, given: Partial<MessageRow> = {}): MessageRow =>
  messageRow(order, body, { id: `m${order}-${given.conversationId ?? 'c'}`, ...given });

/** What the engine does when it hears that blocks are noted. */
async function settle(): Promise<void> {
  while (await makeBlocks(db));
  expect(await db.searchDirty.count()).toBe(0);
}

async function find(text: string, conversationId: string | null = null, limit = 20): Promise<string[]> {
  await settle();
  return (await index.find({ text, conversationId, limit })).map((hit) => hit.text);
}

test('what arrives is found, newest first, in all conversations or in one', async () => {
  await db.messages.bulkAdd([
    message(1, 'an apple'),
    message(2, 'a pear'),
    message(3, 'apples and pears'),
    message(9, 'apple pie', { conversationId: 'other' }),
  ]);
  expect(await find('app')).toEqual(['apple pie', 'apples and pears', 'an apple']);
  expect(await find('app', 'c')).toEqual(['apples and pears', 'an apple']);
  expect(await find('pear app')).toEqual(['apples and pears']);
  expect(await find('')).toEqual([]);
  await db.messages.add(message(4, 'one more apple'));
  expect(await find('apple', 'c')).toEqual(['one more apple', 'apples and pears', 'an apple']);
});

test('an edited message is found by its new words only, a deleted one not at all', async () => {
  await db.messages.bulkAdd([message(1, 'meet at noon'), message(2, 'meet at two')]);
  expect(await find('meet')).toHaveLength(2);
  await editMessage(author(), message(1, ''), 'meet in the evening');
  expect(await find('noon')).toEqual([]);
  expect(await find('evening')).toEqual(['meet in the evening']);
  await deleteMessage(author(), message(2, ''));
  expect(await find('two')).toEqual([]);
  const left = await db.searchBlocks.toArray();
  expect(left.map((row) => row.texts)).toEqual(['meet in the evening']);
});

test('what waits to be sent is found, also once it has its number, and once only', async () => {
  const id = await sendText(author(), 'c', 'written on the train');
  expect(await find('train')).toEqual(['written on the train']);
  await db.messages.update(id, { order: 7, seq: 7, status: 'sent' });
  expect(await find('train')).toEqual(['written on the train']);
  expect((await db.searchBlocks.toArray()).filter((row) => row.orders.length > 0)).toHaveLength(1);
  const taken = await sendText(author(), 'c', 'better not');
  expect(await find('better')).toHaveLength(1);
  await cancel(author(), taken);
  expect(await find('better')).toEqual([]);
});

test('notes which blocks are to be made anew in the transaction that changes messages', async () => {
  await expect(
    db.transaction('rw', db.messages, async () => {
      await db.messages.add(message(1, 'never stored'));
      throw new Error('ended');
    }),
  ).rejects.toThrow('ended');
  expect(await db.searchDirty.count()).toBe(0);
  await db.messages.bulkAdd([message(1, 'a'), message(127, 'b'), message(128, 'c'), message(500, 'd')]);
  expect((await db.searchDirty.toArray()).map((row) => row.block)).toEqual([0, 1, 3]);
  await db.messages.add(message(3, 'e', { status: 'sent' }));
  expect((await db.searchDirty.toArray()).map((row) => row.block)).toEqual([-1, 0, 1, 3]);
});

test('a search that began before a change sees it the next time, without reading everything anew', async () => {
  await db.messages.bulkAdd(Array.from({ length: 300 }, (_, order) => message(order, `word ${order}`)));
  expect(await find('word', null, 500)).toHaveLength(300);
  await db.messages.add(message(300, 'word 300'));
  await settle();
  const stamp = (await db.searchBlocks.orderBy('stamp').last())?.stamp ?? 0;
  expect(await db.searchBlocks.where('stamp').equals(stamp).count()).toBe(1);
  expect(await find('word', null, 500)).toHaveLength(301);
});

test('the newest are found when there are more than are asked for, wherever they stand', async () => {
  const rows = Array.from({ length: 1_000 }, (_, index) =>
    message(Math.floor(index / 10) + 1, `word ${index}`, {
      id: `m${index}`,
      conversationId: `c${index % 10}`,
      at: index,
    }),
  );
  await db.messages.bulkAdd(rows);
  const expected = Array.from({ length: 20 }, (_, index) => `word ${999 - index}`);
  expect(await find('word')).toEqual(expected);
});

test('a message is one line, however many it has', async () => {
  await db.messages.bulkAdd([message(1, 'first\nline\nneedle'), message(2, 'second\r\nneedle')]);
  expect(await find('needle first')).toEqual(['first line needle']);
  expect(
    (await index.find({ text: 'needle', conversationId: null, limit: 9 })).map((hit) => hit.order),
  ).toEqual([2, 1]);
});

test('failed messages are found where they stand', async () => {
  await db.messages.add(message(pendingOrder + 3, 'too large', { status: 'failed', seq: null }));
  expect(await find('large')).toEqual(['too large']);
});

test('what is known to be read need not be read again; what is newer is', async () => {
  await db.messages.bulkAdd([message(1, 'an apple')]);
  await settle();
  const asked = { text: 'apple', conversationId: null, limit: 9 };
  expect(await index.find({ ...asked, stamp: 0 })).toEqual([]);
  expect(await index.find({ ...asked, stamp: 1 })).toHaveLength(1);
  await db.messages.bulkAdd([message(2, 'an apple tree')]);
  await settle();
  expect(await index.find({ ...asked, stamp: 1 })).toHaveLength(1);
  expect(await index.find({ ...asked, stamp: 2 })).toHaveLength(2);
});
