import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendText } from '../lib/client/intents';
import { forgetWords, leaveWords, type Shelf, takeWords } from '../lib/client/last-words';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;
let items: Map<string, string>;
let shelf: Shelf;

beforeEach(async () => {
  ({ town, anna, bert, conversationId } = await Town.pair());
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

const draft = async () => (await anna.db.conversations.get(conversationId))?.draft;
const text = (words: string) => ({
  conversationId,
  kind: 'text' as const,
  messageId: anna.author.newId(),
  body: words,
  replyTo: null,
});

test('what a page could not store any more is said and drafted by the next, and nobody else can read it', async () => {
  const typed = { conversationId, kind: 'draft' as const, draft: 'and one mo', over: [''] };
  leaveWords(anna.author, shelf, [text('in the door'), typed]);
  expect(String([...items])).not.toContain('door');
  expect(String([...items].map(([, value]) => atob(value)))).not.toContain('door');
  await takeWords(anna.author, shelf);
  await body(bert, 'in the door');
  expect(await draft()).toBe('and one mo');
  expect(items.size).toBe(0);
});

test('what was stored after all, or is taken by two pages, is not said twice', async () => {
  const words = text('once');
  leaveWords(anna.author, shelf, [words]);
  await sendText(anna.author, conversationId, words.body, null, words.messageId);
  const copy = new Map(items);
  await takeWords(anna.author, shelf);
  items = copy;
  await takeWords(anna.author, shelf);
  await body(bert, 'once');
  await sendText(anna.author, conversationId, 'after');
  await body(bert, 'after');
  expect((await bert.db.messages.filter((row) => row.body === 'once').toArray()).length).toBe(1);
});

test('a message is changed, and a draft that was written elsewhere meanwhile is kept beside', async () => {
  const messageId = await sendText(anna.author, conversationId, 'seee you');
  await body(bert, 'seee you');
  leaveWords(anna.author, shelf, [
    { conversationId, kind: 'edit', messageId, body: 'see you' },
    { conversationId, kind: 'draft', draft: 'from this tab', over: ['', 'from th'] },
  ]);
  await anna.db.conversations.update(conversationId, { draft: 'from the other' });
  await takeWords(anna.author, shelf);
  await body(bert, 'see you');
  expect(await draft()).toBe('from the other\nfrom this tab');
});

test('words that cannot be read, or of a conversation that is gone, are dropped; a device that is shut out keeps none', async () => {
  items.set('aparte-last-words x', 'not sealed');
  leaveWords(anna.author, shelf, [{ ...text('to nobody'), conversationId: anna.author.newId() }]);
  items.set('aparte-theme', 'dark');
  await takeWords(anna.author, shelf);
  expect(await anna.db.outbox.count()).toBe(0);
  leaveWords(anna.author, shelf, [text('late')]);
  forgetWords(shelf);
  expect([...items.keys()]).toEqual(['aparte-theme']);
});
