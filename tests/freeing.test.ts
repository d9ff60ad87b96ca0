import { afterEach, beforeEach, expect, test } from 'vitest';
import { deleteMessage, editMessage } from '../lib/client/change-intents';
import { fetchOlder, freeConversation } from '../lib/client/freeing';
import { recentMessages } from '../lib/client/history';
import { markRead, react, sendText } from '../lib/client/intents';
import { lastMessages } from '../lib/client/queries';
import { measureStorage } from '../lib/client/storage-size';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

const count = 60;

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let id: string;

beforeEach(async () => {
  ({ town, anna, bert, conversationId: id } = await Town.pair());
  for (let index = 0; index < count; index++)
    await sendText((index % 2 ? anna : bert).author, id, `message ${index}`);
  for (let index = count - 2; index < count; index++)
    for (const device of [anna, bert]) await body(device, `message ${index}`);
});
afterEach(() => town.close());

/** What can be seen of the messages, without where they came from. */
const seen = async (device: TestDevice) =>
  (await lastMessages(device.db, id, 500)).map(
    ({ id: message, seq, kind, body: text, deleted, editSeq, reactions }) => ({
      message,
      seq,
      kind,
      text,
      deleted,
      editSeq,
      reactions,
    }),
  );

const message = async (device: TestDevice, text: string) => {
  const row = await device.db.messages.filter((one) => one.body === text).first();
  if (!row) throw new Error(`no ${text}`);
  return row;
};

test('what is freed comes back from the server as it was, edits, deletes and reactions included', async () => {
  const first = (await lastMessages(bert.db, id, 500)).filter((row) => row.kind === 'text');
  const mine = first.filter((row) => row.senderDeviceId === first[0]?.senderDeviceId);
  const writer = mine[0]?.status === 'sent' ? bert : anna;
  const [edited, deleted] = (await lastMessages(writer.db, id, 500)).filter((row) => row.status === 'sent');
  if (!edited || !deleted) throw new Error('nothing sent');
  await editMessage(writer.author, edited, 'mended since');
  await deleteMessage(writer.author, deleted);
  await react(anna.author, await message(anna, 'message 4'), '👍');
  await body(anna, 'mended since');
  await anna.until(
    async () => ((await anna.db.messages.get(deleted.id))?.deleted ? true : undefined),
    'the delete',
  );
  await anna.until(async () => ((await anna.db.outbox.count()) === 0 ? true : undefined), 'sending');
  await markRead(anna.author, id, (await anna.db.conversations.get(id))?.cursor ?? 0);
  const before = await seen(anna);

  const freed = await freeConversation(anna.author, id);
  expect(freed).toBe(before.length - recentMessages);
  expect(await seen(anna)).toEqual(before.slice(-recentMessages));
  // Nothing fetches it by itself, also not after a new start.
  await anna.stop();
  anna.start();
  await sendText(bert.author, id, 'afterwards');
  await body(anna, 'afterwards');
  expect(await seen(anna)).toHaveLength(recentMessages + 1);

  await fetchOlder(anna.author, id);
  await anna.until(
    async () => ((await seen(anna)).length === before.length + 1 ? true : undefined),
    'the older ones',
  );
  expect((await seen(anna)).slice(0, -1)).toEqual(before);
  expect((await anna.db.conversations.get(id))?.unread).toBe(1);
});

test('what is not read, not sent, or waits for an own change is never freed, and what is freed counts no more', async () => {
  const unread = await measureStorage(anna.db, {});
  expect(unread.messages.count).toBeGreaterThanOrEqual(count);
  expect(unread.conversations[0]).toMatchObject({ conversationId: id, count: unread.messages.count });
  // Anna has read nothing.
  await freeConversation(anna.author, id);
  const kept = (await seen(anna)).filter((row) => row.text.startsWith('message'));
  expect(kept.length).toBeGreaterThanOrEqual(count - 1);
  await markRead(anna.author, id, (await anna.db.conversations.get(id))?.cursor ?? 0);
  anna.network.setUp(false);
  await sendText(anna.author, id, 'not sent');
  await editMessage(anna.author, await message(anna, 'message 1'), 'mended');
  await freeConversation(anna.author, id);
  const left = await seen(anna);
  expect(left.length).toBe(recentMessages + 2);
  expect(left[0]?.text).toBe('mended');
  expect(left.at(-1)?.text).toBe('not sent');
  const after = await measureStorage(anna.db, {});
  expect(after.messages.bytes).toBeLessThan(unread.messages.bytes);
  anna.network.setUp(true);
  await body(bert, 'mended');
  await anna.until(
    async () => ((await anna.db.outbox.count()) === 0 ? true : undefined),
    'the edit to be sent',
  );
  expect((await message(anna, 'mended')).editSeq).toBe((await message(bert, 'mended')).editSeq);
});
