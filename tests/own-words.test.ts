import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApi } from '../lib/client/api';
import { cancel, deleteMessage, editMessage, retry } from '../lib/client/change-intents';
import { removeMember } from '../lib/client/group-intents';
import { react, sendText, startGroup } from '../lib/client/intents';
import { mayCancel } from '../lib/client/queries';
import { shipSealed } from '../lib/client/ship';
import { limits } from '../lib/protocol/limits';
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
  await done(anna);
});
afterEach(() => town.close());

const done = (device: TestDevice) =>
  device.until(async () => ((await device.db.outbox.count()) === 0 ? true : undefined), 'all to be done');

async function online(device: TestDevice): Promise<void> {
  device.network.setUp(true);
  device.hurry();
  await done(device);
}

const shown = async (id = conversationId) => (await anna.db.conversations.get(id))?.preview?.text;
const textsOf = async (device: TestDevice) =>
  (await device.db.messages.orderBy('[conversationId+order]').toArray()).map((row) => row.body);

const sealedAhead = (count: number) =>
  anna.until(async () => {
    const rows = await anna.db.outbox.toArray();
    return rows.length === count && rows.every((row) => row.sealed && !row.sealed.tried) ? true : undefined;
  }, 'sealing without a network');

/** A message that was tried and of which nobody knows whether it arrived. */
async function tried(text: string): Promise<string> {
  const id = await sendText(anna.author, conversationId, text);
  await sealedAhead(1);
  await anna.stop();
  const lost: typeof fetch = async () => {
    throw new TypeError('the request was lost');
  };
  await expect(shipSealed({ ...anna.environment(), api: createApi('', lost) }, endless)).rejects.toThrow();
  return id;
}

/** A message that the server has refused: anna was removed before it came. */
async function refused(text: string): Promise<string> {
  const session = await anna.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in');
  const group = await startGroup(bert.author, 'Choir', [session]);
  await anna.until(() => anna.db.conversations.get(group), 'the group');
  await sendText(bert.author, group, 'welcome');
  await body(anna, 'welcome');
  anna.network.setUp(false);
  await removeMember(bert.author, group, session.userId);
  await done(bert);
  const id = await sendText(anna.author, group, text);
  await online(anna);
  expect((await anna.db.messages.get(id))?.status).toBe('failed');
  return id;
}

test('the list follows an own edit and an own deletion at once, and also when they are done', async () => {
  await editMessage(anna.author, await body(anna, 'hello'), 'hello Bert');
  expect(await shown()).toBe('hello Bert');
  await done(anna);
  expect(await shown()).toBe('hello Bert');
  await deleteMessage(anna.author, await body(anna, 'hello Bert'));
  expect(await shown()).toBe('');
  await done(anna);
  expect(await shown()).toBe('');
});

test('without a network the list shows nothing of an own message that was deleted', async () => {
  anna.network.setUp(false);
  await deleteMessage(anna.author, await body(anna, 'hello'));
  expect(await shown()).toBe('');
  await online(anna);
  expect(await shown()).toBe('');
});

test('what is taken back leaves the list to the message before it', async () => {
  anna.network.setUp(false);
  const id = await sendText(anna.author, conversationId, 'better not');
  expect(await shown()).toBe('better not');
  await cancel(anna.author, id);
  expect(await shown()).toBe('hello');
});

test('a deletion that is refused gives the list its text back', async () => {
  const session = await anna.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in');
  const group = await startGroup(bert.author, 'Choir', [session]);
  await anna.until(() => anna.db.conversations.get(group), 'the group');
  await sendText(bert.author, group, 'welcome');
  await body(anna, 'welcome');
  await sendText(anna.author, group, 'as it was');
  await done(anna);
  anna.network.setUp(false);
  await removeMember(bert.author, group, session.userId);
  await done(bert);
  await deleteMessage(anna.author, await body(anna, 'as it was'));
  expect(await shown(group)).toBe('');
  await online(anna);
  expect((await body(anna, 'as it was')).deleted).toBe(false);
  expect(await shown(group)).toBe('as it was');
});

test('a message that was deleted before it left is never sent, nor what hung on it', async () => {
  anna.network.setUp(false);
  const id = await sendText(anna.author, conversationId, 'better not');
  await react(anna.author, await body(anna, 'better not'), '👍');
  await sendText(anna.author, conversationId, 'much better');
  await sealedAhead(3);
  expect(await mayCancel(anna.db, id)).toBe(true);
  await deleteMessage(anna.author, await body(anna, 'better not'));
  expect(await anna.db.messages.get(id)).toBeUndefined();
  expect(await anna.db.outbox.count()).toBe(1);
  await online(anna);
  await body(bert, 'much better');
  expect(await textsOf(bert)).toEqual(['hello', 'much better']);
});

test('a message that was encrypted ahead is readable though the one with its key was taken back', async () => {
  anna.network.setUp(false);
  await anna.db.conversations.update(conversationId, { mustRotate: true });
  const first = await sendText(anna.author, conversationId, 'with the key');
  await sendText(anna.author, conversationId, 'after it');
  await sealedAhead(2);
  expect((await anna.db.outbox.toArray()).map((row) => row.sealed?.envelopes.length)).toEqual([1, 0]);
  await cancel(anna.author, first);
  await online(anna);
  await body(bert, 'after it');
});

test('a message that was edited before it left goes as it is now, and nobody hears what stood there', async () => {
  anna.network.setUp(false);
  await anna.db.conversations.update(conversationId, { mustRotate: true });
  await sendText(anna.author, conversationId, 'to mand');
  await sendText(anna.author, conversationId, 'after it');
  await sealedAhead(2);
  await editMessage(anna.author, await body(anna, 'to mand'), 'to mend');
  expect(await shown()).toBe('after it');
  await sealedAhead(2);
  await online(anna);
  await body(bert, 'after it');
  expect(await body(bert, 'to mend')).toMatchObject({ editSeq: 0 });
  expect(await textsOf(bert)).toEqual(['hello', 'to mend', 'after it']);
});

test('a message that may have been sent is not taken back: its deletion follows it', async () => {
  anna.network.setUp(false);
  const id = await tried('may be there');
  expect(await mayCancel(anna.db, id)).toBe(false);
  expect(await cancel(anna.author, id)).toBeNull();
  await deleteMessage(anna.author, await body(anna, 'may be there'));
  expect(await shown()).toBe('');
  expect(await anna.db.outbox.count()).toBe(2);
  anna.network.setUp(true);
  anna.start();
  await done(anna);
  await bert.until(async () => ((await bert.db.messages.get(id))?.deleted ? true : undefined), 'deletion');
});

test('a failed message that is deleted is gone, and cannot be sent again', async () => {
  const id = await refused('too late');
  await deleteMessage(anna.author, await body(anna, 'too late'));
  expect(await anna.db.messages.get(id)).toBeUndefined();
  await retry(anna.author, id);
  expect(await anna.db.outbox.count()).toBe(0);
});

test('a failed message that is edited says so only here, until it is sent again', async () => {
  const id = await refused('too lata');
  await editMessage(anna.author, await body(anna, 'too lata'), 'too late');
  expect(await anna.db.messages.get(id)).toMatchObject({ status: 'failed', body: 'too late', editSeq: 0 });
  expect(await anna.db.outbox.count()).toBe(0);
});

test('a deleted message that could not be sent is not tried again', async () => {
  const id = await refused('too late');
  await anna.db.messages.update(id, { deleted: true, body: '' });
  await retry(anna.author, id);
  expect(await anna.db.outbox.count()).toBe(0);
});

test('what was encrypted upon a message that the server refuses can be read all the same', async () => {
  anna.network.setUp(false);
  await anna.db.conversations.update(conversationId, { mustRotate: true });
  const first = await sendText(anna.author, conversationId, 'first');
  await sendText(anna.author, conversationId, 'second');
  await sealedAhead(2);
  // Something on the way has made of it what no server takes.
  const [row] = await anna.db.outbox.orderBy('id').toArray();
  if (!row?.sealed) throw new Error('nothing was encrypted ahead');
  const ciphertext = 'x'.repeat(limits.ciphertextMaxBytes + 1);
  await anna.db.outbox.update(row.id, { sealed: { ...row.sealed, ciphertext } });
  await online(anna);
  expect((await anna.db.messages.get(first))?.status).toBe('failed');
  expect(await body(bert, 'second')).toMatchObject({ kind: 'text' });
});

test('what was written anew without a network is encrypted ahead again', async () => {
  anna.network.setUp(false);
  const id = await sendText(anna.author, conversationId, 'see you at nine');
  await sealedAhead(1);
  const row = await anna.db.messages.get(id);
  if (!row) throw new Error('no message');
  await editMessage(anna.author, row, 'see you at ten');
  await sealedAhead(1);
  await anna.stop();
  // As the service worker does when no page is open.
  anna.network.setUp(true);
  expect(await shipSealed(anna.environment(), endless)).toBe(1);
  expect(await body(bert, 'see you at ten')).toMatchObject({ editSeq: 0 });
});
