import { afterEach, beforeEach, expect, test } from 'vitest';
import { missingIn } from '../lib/client/gaps';
import { recentMessages } from '../lib/client/history';
import { sendText, startGroup } from '../lib/client/intents';
import type { TestDevice } from './device';
import { LyingServer } from './lying-server';
import { body, Town } from './own-devices';

let town: Town;
let between: LyingServer;
let laptop: TestDevice;
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  town = await Town.open();
  between = await LyingServer.before(town.server.origin);
  laptop = await town.person('anna');
  bert = await town.person('bert', () => between.origin);
  conversationId = await town.contacts(laptop, bert);
});

afterEach(async () => {
  await town.close();
  await between.close();
});

async function write(from: number, to: number): Promise<void> {
  for (const text of messages(from, to)) await sendText(laptop.author, conversationId, text);
  await sent(laptop);
}

const sent = (device: TestDevice) =>
  device.until(async () => ((await device.db.outbox.count()) === 0 ? true : undefined), 'sending');

const texts = async (device: TestDevice) =>
  (await device.db.messages.orderBy('[conversationId+order]').toArray())
    .filter((row) => row.kind === 'text')
    .map((row) => row.body);

const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`);

const hasGap = (device: TestDevice, wanted: boolean) =>
  device.until(async () => {
    const left = missingIn((await device.db.conversations.get(conversationId))?.gaps);
    return left > 0 === wanted ? true : undefined;
  }, 'the gap');

/** The network breaks whenever something from before the newest is asked for. */
function refuseHistory(lastSeq: number): () => void {
  between.lies.set('messages.pull', (answer, input) => {
    if ((input as { after: number }).after < lastSeq - recentMessages) throw new Error('cut');
    return answer;
  });
  return () => between.lies.delete('messages.pull');
}

const lastSeq = async (device: TestDevice) =>
  (await device.db.conversations.get(conversationId))?.lastSeq ?? 0;

test('a linked device reads the newest messages before anything of the key backup', async () => {
  await write(1, 60);
  between.lies.set('backup.pull', () => ({ pages: [], lastSeq: 0 }));
  const phone = await town.linked(laptop, () => between.origin);
  await phone.until(
    async () => ((await texts(phone)).length === 60 ? true : undefined),
    'the messages under the newest key',
  );
  expect(await phone.db.readMeta('backupCursor')).toBe(0);
  expect(await texts(phone)).toEqual(messages(1, 60));
});

test('a linked device shows the last message of a conversation before it has one message', async () => {
  await write(1, 3);
  between.lies.set('messages.pull', () => {
    throw new Error('cut');
  });
  const phone = await town.linked(laptop, () => between.origin);
  const row = await phone.until(() => phone.db.conversations.get(conversationId), 'the conversation');
  expect(row.preview).toMatchObject({ kind: 'text', text: 'message 3' });
  expect(await phone.db.messages.count()).toBe(0);
});

test('an interrupted transfer of history resumes, and a message that is sent does not wait for it', async () => {
  await write(1, 300);
  const letThrough = refuseHistory(await lastSeq(laptop));
  const phone = await town.linked(laptop, () => between.origin);
  await body(phone, 'message 300');
  await hasGap(phone, true);
  await sendText(phone.author, conversationId, 'meanwhile');
  await body(bert, 'meanwhile');
  await phone.stop();
  expect((await texts(phone)).length).toBeLessThan(60);
  letThrough();
  phone.start();
  await hasGap(phone, false);
  await phone.until(async () => ((await texts(phone)).length === 301 ? true : undefined), 'all of it');
  expect(await texts(phone)).toEqual([...messages(1, 300), 'meanwhile']);
  const history = await phone.until(async () => {
    const now = await phone.db.readMeta('history');
    return now?.left === 0 ? now : undefined;
  }, 'the end of the progress');
  expect(history).toEqual({ left: 0, total: 0 });
});

test('a device that was away begins with the conversation in which something was said last', async () => {
  const me = await bert.db.readMeta('session');
  const userId = me?.state === 'signed_in' ? me.userId : '';
  await write(1, 1);
  await body(bert, 'message 1');
  const other = await startGroup(laptop.author, 'Other', [{ userId, handle: 'bert' }]);
  await sendText(laptop.author, other, 'newer here');
  await body(bert, 'newer here');
  await bert.stop();
  await sendText(laptop.author, other, 'older there');
  await sent(laptop);
  await write(2, 2);
  const asked: string[] = [];
  between.lies.set('messages.pull', (answer, input) => {
    asked.push((input as { conversationId: string }).conversationId);
    return answer;
  });
  bert.start();
  await body(bert, 'message 2');
  await body(bert, 'older there');
  expect([...new Set(asked)]).toEqual([conversationId, other]);
});

test('a device that was long away begins with the newest messages, and counts all of them', async () => {
  await write(1, 5);
  await body(bert, 'message 5');
  await bert.stop();
  await write(6, 300);
  const letThrough = refuseHistory(await lastSeq(laptop));
  bert.start();
  await body(bert, 'message 300');
  await hasGap(bert, true);
  const early = await texts(bert);
  expect(early.slice(0, 5)).toEqual(messages(1, 5));
  expect(early.at(-1)).toBe('message 300');
  expect(early.length).toBeLessThan(60);
  letThrough();
  await bert.stop();
  bert.start();
  await hasGap(bert, false);
  expect(await texts(bert)).toEqual(messages(1, 300));
  expect((await bert.db.conversations.get(conversationId))?.unread).toBe(300);
});
