import { afterEach, beforeEach, expect, test } from 'vitest';
import { editMessage } from '../lib/client/change-intents';
import { saveDraft, sendText } from '../lib/client/intents';
import { leaveWords, type Shelf, takeWords, type Words, wordsCipher } from '../lib/client/last-words';
import type { RowCipher } from '../lib/client/row-cipher';
import { wipeCache } from '../lib/client/wipe-cache';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;
let items: Map<string, string>;
let shelf: Shelf;
let cipher: RowCipher;

beforeEach(async () => {
  ({ town, anna, bert, conversationId } = await Town.pair());
  cipher = await wordsCipher(anna.db);
  items = new Map();
  shelf = {
    get length() {
      return items.size;
    },
    key: (at) => [...items.keys()][at] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
});
afterEach(() => town.close());

const leave = (...words: Words[]) => leaveWords(anna.author, cipher, shelf, words);
const take = () => takeWords(anna.author, cipher, shelf);
const draft = async (device = anna) => (await device.db.conversations.get(conversationId))?.draft;
const text = (words: string) => ({
  conversationId,
  kind: 'text' as const,
  messageId: anna.author.newId(),
  body: words,
  replyTo: null,
});
const typed = (words: string, ...over: string[]) => ({
  conversationId,
  kind: 'draft' as const,
  draft: words,
  over,
});
const edit = (messageId: string, over: string, words: string) => ({
  conversationId,
  kind: 'edit' as const,
  messageId,
  over,
  body: words,
});
async function row(id: string) {
  const message = await anna.db.messages.get(id);
  if (!message) throw new Error('no such message');
  return message;
}

test('what a page could not store any more is said and drafted by the next, and nobody else can read it', async () => {
  leave(text('in the door'), typed('and one mo', ''));
  for (const [, value] of items) expect(atob(value)).not.toMatch(/door|one mo/);
  await take();
  await body(bert, 'in the door');
  expect(await draft()).toBe('and one mo');
  expect(items.size).toBe(0);
});

test('what was stored after all, or is taken by two pages at once, is there once', async () => {
  const words = text('once');
  leave(words, typed('Hello', ''), typed('', '', 'Hello'), typed('And one', '', 'Hello'));
  await sendText(anna.author, conversationId, words.body, null, words.messageId);
  await saveDraft(anna.author, conversationId, 'other');
  const copy = new Map(items);
  await Promise.all([take(), take()]);
  items = copy;
  await take();
  await sendText(anna.author, conversationId, 'after');
  await body(bert, 'after');
  expect((await bert.db.messages.filter((row) => row.body === 'once').toArray()).length).toBe(1);
  expect(await draft()).toBe('other\nAnd one');
});

test('a draft that another device has written since stands', async () => {
  const phone = await town.linked(anna);
  await phone.until(() => phone.db.conversations.get(conversationId), 'the conversation');
  await anna.stop();
  leave(typed('Dinn', ''));
  // Within the same millisecond the devices' names would decide.
  phone.clockOffsetMs = 1;
  await saveDraft(phone.author, conversationId, 'Dinner at eight');
  await take();
  await anna.start();
  const both = async (device: TestDevice) =>
    device.until(
      async () => ((await draft(device)) === 'Dinner at eight' ? true : undefined),
      'the later draft',
    );
  await both(anna);
  await both(phone);
});

test('a message is changed, but not over a change that came since', async () => {
  const first = await sendText(anna.author, conversationId, 'seee you');
  const second = await sendText(anna.author, conversationId, 'at niine');
  await body(bert, 'at niine');
  leave(edit(first, 'seee you', 'see you'), edit(second, 'at niine', 'at nine'));
  await editMessage(anna.author, await row(second), 'at ten');
  await take();
  await body(bert, 'see you');
  await body(bert, 'at ten');
  expect((await row(second)).body).toBe('at ten');
});

test('a draft of which a part was deleted is what was left of it', async () => {
  await saveDraft(anna.author, conversationId, 'Dear Bert\nhello');
  leave(typed('hello', 'Dear Bert\nhello'));
  await take();
  expect(await draft()).toBe('hello');
  leave(typed('', 'hello'));
  await take();
  expect(await draft()).toBe('');
});

test('words of a conversation that is gone are dropped', async () => {
  leave({ ...text('to nobody'), conversationId: anna.author.newId() });
  await take();
  expect(items.size).toBe(0);
  expect(await anna.db.outbox.count()).toBe(0);
});

test('with the cache of a device that is shut out goes the key, and what cannot be read is dropped', async () => {
  leave(text('too late'));
  items.set('aparte-theme', 'dark');
  await anna.stop();
  await wipeCache(anna.environment());
  expect(await anna.db.readMeta('lastWordsKey')).toBeUndefined();
  await takeWords(anna.author, await wordsCipher(anna.db), shelf);
  expect([...items.keys()]).toEqual(['aparte-theme']);
  expect(await anna.db.outbox.count()).toBe(0);
});
