import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDevice } from '../lib/client/device-intents';
import { saveDraft, sendText } from '../lib/client/intents';
import { lastMessages } from '../lib/client/queries';
import { keepRecoveryKey, recoverAccount } from '../lib/client/recovery-intents';
import { newRecoveryKey } from '../lib/crypto/recovery';
import type { TestDevice } from './device';
import { fault } from './fault';
import { body, linkDevices, Town } from './own-devices';

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  ({ town, anna, bert, conversationId } = await Town.pair());
  for (const text of ['one', 'two', 'three']) await sendText(bert.author, conversationId, text);
  await body(anna, 'three');
  await sendText(anna.author, conversationId, 'my answer');
  await body(bert, 'my answer');
});
afterEach(() => town.close());

const texts = async (device: TestDevice) =>
  (await lastMessages(device.db, conversationId, 100))
    .filter((row) => row.kind === 'text')
    .map((row) => row.body);

const signedIn = (device: TestDevice) =>
  device.until(async () => {
    const session = await device.db.readMeta('session');
    return session?.state === 'signed_in' ? session : undefined;
  }, 'an account');

/** The cache of a stopped device as its browser would clear it. */
async function clearCache(device: TestDevice): Promise<void> {
  await device.db.delete();
  await device.db.open();
}

async function withKey(device: TestDevice): Promise<string> {
  const key = await newRecoveryKey((bytes) => crypto.getRandomValues(bytes));
  await keepRecoveryKey(device.author, key);
  await device.until(
    async () => ((await device.db.readMeta('recovery'))?.state === 'stored' ? true : undefined),
    'a stored recovery',
  );
  return key;
}

test('a cache that the browser has cleared comes back from the server, and the device is the same one', async () => {
  await saveDraft(anna.author, conversationId, 'half a thought');
  await withKey(anna);
  const before = await signedIn(anna);
  await anna.stop();
  await clearCache(anna);
  await sendText(bert.author, conversationId, 'meanwhile');
  anna.start();
  expect(await signedIn(anna)).toEqual(before);
  await body(anna, 'meanwhile');
  await body(anna, 'my answer');
  expect(await texts(anna)).toEqual(['one', 'two', 'three', 'my answer', 'meanwhile']);
  expect(await anna.db.readMeta('mended')).toBeDefined();
  await sendText(anna.author, conversationId, 'here again');
  await body(bert, 'here again');
  await sendText(bert.author, conversationId, 'good');
  await body(anna, 'good');
  expect((await anna.db.messages.toArray()).filter((row) => row.kind === 'sealed')).toEqual([]);
});

test('a key that was shared by a message that never left is shared anew after the cache is gone', async () => {
  anna.network.setUp(false);
  await sendText(anna.author, conversationId, 'never sent');
  await anna.until(
    async () => ((await anna.db.outbox.toArray()).every((row) => row.sealed) ? true : undefined),
    'sealing ahead',
  );
  await anna.stop();
  await clearCache(anna);
  anna.network.setUp(true);
  anna.start();
  await body(anna, 'my answer');
  await sendText(anna.author, conversationId, 'readable');
  await body(bert, 'readable');
});

test('a device whose keys are gone says so, shows what it has, and hands what was not sent to the one that follows', async () => {
  const key = await withKey(anna);
  const before = await signedIn(anna);
  anna.network.setUp(false);
  await sendText(anna.author, conversationId, 'written in the tunnel');
  await anna.stop();
  await anna.wipeKeys();
  anna.network.setUp(true);
  anna.start();
  const lost = await anna.until(() => anna.db.readMeta('lost'), 'the loss');
  expect(lost).toEqual({
    what: 'keys',
    userId: before.userId,
    deviceId: before.deviceId,
    handle: 'anna',
    name: 'ANNA',
  });
  // All of it can still be read.
  expect(await texts(anna)).toEqual(['one', 'two', 'three', 'my answer', 'written in the tunnel']);
  await recoverAccount(anna.author, { handle: 'anna', key, deviceName: 'Again', deviceType: 'WEB' });
  const after = await anna.until(async () => {
    const session = await anna.db.readMeta('session');
    return session?.state === 'signed_in' && session.deviceId !== before.deviceId ? session : undefined;
  }, 'the account');
  await body(anna, 'my answer');
  expect(await texts(anna)).toEqual(['one', 'two', 'three', 'my answer']);
  const conversation = await anna.until(() => anna.db.conversations.get(conversationId), 'the conversation');
  expect(conversation.draft).toBe('written in the tunnel');
  await sendText(anna.author, conversationId, conversation.draft);
  await body(bert, 'written in the tunnel');
  expect(after.userId).toBe(before.userId);
});

test('with everything cleared another device brings the account back, and the earlier self can be removed', async () => {
  const phone = await town.linked(anna);
  const before = await signedIn(anna);
  await anna.stop();
  await anna.wipeKeys();
  await clearCache(anna);
  anna.start();
  const lost = await anna.until(() => anna.db.readMeta('lost'), 'the loss');
  expect(lost).toMatchObject({ what: 'all', deviceId: before.deviceId, handle: 'anna' });
  expect(await anna.db.readMeta('session')).toEqual({ state: 'signed_out' });
  await linkDevices(phone, anna, 'Again');
  const after = await signedIn(anna);
  expect(after.deviceId).not.toBe(before.deviceId);
  await body(anna, 'my answer');
  await removeDevice(anna.author, { deviceId: lost.deviceId, name: 'Earlier' });
  await anna.until(
    async () => ((await anna.db.removals.get(lost.deviceId))?.state === 'removed' ? true : undefined),
    'the removal',
  );
  await sendText(bert.author, conversationId, 'to the right one');
  await body(anna, 'to the right one');
});

test('a new browser, and one that was shut out, have lost nothing', async () => {
  const fresh = town.device();
  await fresh.until(() => fresh.db.readMeta('session'), 'a look');
  expect(await fresh.db.readMeta('session')).toEqual({ state: 'signed_out' });
  expect(await fresh.db.readMeta('lost')).toBeUndefined();
});

test('a full storage ends the work in order; what came meanwhile is there once there is room, each message once', async () => {
  const { mend } = fault(anna.db, 'QuotaExceededError');
  for (let index = 0; index < 10; index++) await sendText(bert.author, conversationId, `waits ${index}`);
  await anna.until(async () => (anna.storage.includes('full') ? true : undefined), 'being told');
  await expect(sendText(anna.author, conversationId, 'no room for this')).rejects.toThrow();
  expect(await texts(anna)).toEqual(['one', 'two', 'three', 'my answer']);
  mend();
  anna.hurry();
  await body(anna, 'waits 9');
  expect(anna.storage.at(-1)).toBe('sound');
  await sendText(anna.author, conversationId, 'and on');
  await body(bert, 'and on');
  const expected = [
    'one',
    'two',
    'three',
    'my answer',
    ...Array.from({ length: 10 }, (_, index) => `waits ${index}`),
    'and on',
  ];
  expect(await texts(anna)).toEqual(expected);
  expect(await texts(bert)).toEqual(expected);
});

test('a storage that answers nothing is opened again a few times, and then said to be broken', async () => {
  const { mend } = fault(anna.db, 'UnknownError', true);
  await sendText(bert.author, conversationId, 'into the dark');
  await anna.until(async () => (anna.storage.includes('broken') ? true : undefined), 'being told');
  expect(anna.storage.filter((state) => state === 'reopening').length).toBeGreaterThan(1);
  mend();
  anna.hurry();
  await body(anna, 'into the dark');
  expect(anna.storage.at(-1)).toBe('sound');
});

test('a database that the browser closes while it is used is opened again, and nothing is lost', async () => {
  for (let index = 0; index < 30; index++) {
    await sendText(bert.author, conversationId, `message ${index}`);
    if (index % 5 === 0) anna.db.close({ disableAutoOpen: false });
  }
  await body(anna, 'message 29');
  expect((await texts(anna)).slice(4)).toEqual(Array.from({ length: 30 }, (_, index) => `message ${index}`));
});
