import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApi } from '../lib/client/api';
import { cancel } from '../lib/client/change-intents';
import { markRead, sendText } from '../lib/client/intents';
import { shipSealed } from '../lib/client/ship';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

/** Nobody ends it. */
const { signal: endless } = new AbortController();

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  ({ town, anna, bert, conversationId } = await Town.pair());
  await sendText(anna.author, conversationId, 'hello');
  await body(bert, 'hello');
  anna.network.setUp(false);
});
afterEach(() => town.close());

const sealedAhead = (count: number) =>
  anna.until(async () => {
    const rows = await anna.db.outbox.toArray();
    return rows.filter((row) => row.sealed && !row.sealed.tried).length === count ? true : undefined;
  }, 'sealing without a network');

test('what was written without a network is encrypted at once, and sent by whoever has the network first', async () => {
  for (let index = 0; index < 20; index++) await sendText(anna.author, conversationId, `message ${index}`);
  await sealedAhead(20);
  await anna.stop();
  anna.network.setUp(true);
  const api = createApi('', anna.network.fetch);
  // A worker that is killed between sending and noting so does it again: the server takes it once.
  const rows = await anna.db.outbox.toArray();
  expect(await shipSealed({ ...anna.environment(), api }, endless)).toBe(20);
  await anna.db.outbox.bulkPut(rows);
  expect(await shipSealed({ ...anna.environment(), api }, endless)).toBe(20);
  await body(bert, 'message 19');
  anna.start();
  await sendText(anna.author, conversationId, 'and on');
  await body(bert, 'and on');
  const texts = (await bert.db.messages.orderBy('[conversationId+order]').toArray()).map((row) => row.body);
  expect(texts).toEqual(['hello', ...Array.from({ length: 20 }, (_, index) => `message ${index}`), 'and on']);
});

test('a message that is encrypted but not yet tried can be taken back, and the next is readable', async () => {
  const id = await sendText(anna.author, conversationId, 'better not');
  await sealedAhead(1);
  expect(await cancel(anna.author, id)).toBe('better not');
  await sendText(anna.author, conversationId, 'much better');
  anna.network.setUp(true);
  anna.hurry();
  await body(bert, 'much better');
  expect(await bert.db.messages.filter((row) => row.body === 'better not').count()).toBe(0);
});

test('without a network nothing is shipped, and nothing is lost', async () => {
  await sendText(anna.author, conversationId, 'later');
  await sealedAhead(1);
  await expect(shipSealed(anna.environment(), endless)).rejects.toThrow();
  anna.network.setUp(true);
  anna.hurry();
  await body(bert, 'later');
});

test('a mark that is not encrypted yet does not hold up what was written after it', async () => {
  anna.network.setUp(true);
  anna.hurry();
  await sendText(bert.author, conversationId, 'news');
  const { seq } = await body(anna, 'news');
  await anna.until(async () => ((await anna.db.outbox.count()) === 0 ? true : undefined), 'all to be told');
  anna.network.setUp(false);
  await markRead(anna.author, conversationId, seq ?? 0);
  await sendText(anna.author, conversationId, 'good news');
  await sealedAhead(1);
  expect((await anna.db.outbox.toArray()).map(({ intent }) => intent.kind)).toEqual(['mark', 'message']);
  await anna.stop();
  anna.network.setUp(true);
  expect(await shipSealed(anna.environment(), endless)).toBe(1);
  await body(bert, 'good news');
});
