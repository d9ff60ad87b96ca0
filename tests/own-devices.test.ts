import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDevice, showPresence } from '../lib/client/device-intents';
import { markRead, saveDraft, sendText } from '../lib/client/intents';
import { presenceShown } from '../lib/client/queries';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

let town: Town;
let [laptop, phone, bert]: TestDevice[] = [];
let conversationId: string;

beforeEach(async () => {
  town = await Town.open();
  laptop = await town.person('anna');
  bert = await town.person('bert');
  conversationId = await town.contacts(laptop, bert);
  phone = await town.linked(laptop);
});
afterEach(() => town.close());

function all(): [TestDevice, TestDevice, TestDevice] {
  if (!laptop || !phone || !bert) throw new Error('no devices');
  return [laptop, phone, bert];
}

const row = async (device: TestDevice) => device.db.conversations.get(conversationId);
const idOf = async (device: TestDevice) => {
  const session = await device.db.readMeta('session');
  return session?.state === 'signed_in' ? session.deviceId : '';
};

test('reading on one device clears the badge of the other, and never unreads', async () => {
  const [a, b, other] = all();
  for (const text of ['one', 'two', 'three']) await sendText(other.author, conversationId, text);
  for (const device of [a, b]) await body(device, 'three');
  const last = (await row(a))?.cursor ?? 0;
  expect((await row(b))?.unread).toBe(3);
  expect(b.readElsewhere).toEqual([]);
  b.network.setUp(false);
  await markRead(b.author, conversationId, last - 2);
  await markRead(a.author, conversationId, last);
  await a.until(async () => ((await a.db.tellings.count()) === 0 ? true : undefined), 'telling');
  b.network.setUp(true);
  await b.until(async () => ((await row(b))?.unread === 0 ? true : undefined), 'an empty badge');
  await b.until(async () => ((await b.db.tellings.count()) === 0 ? true : undefined), 'telling');
  expect((await row(a))?.readSeq).toBe(last);
  expect((await row(b))?.readSeq).toBe(last);
  expect(b.readElsewhere).toContainEqual({ conversationId, seq: last });
});

test('a draft follows to the other device, and the later change stands whatever the clocks say', async () => {
  const [a, b] = all();
  await saveDraft(a.author, conversationId, 'Dear Bert');
  await b.until(async () => ((await row(b))?.draft === 'Dear Bert' ? true : undefined), 'the draft');
  // Its clock is two hours slow, and yet its change is the later one.
  const slow = { ...b.author, now: () => Date.now() - 7_200_000 };
  await saveDraft(slow, conversationId, 'Dear Bert, how are you?');
  await a.until(
    async () => ((await row(a))?.draft === 'Dear Bert, how are you?' ? true : undefined),
    'the change',
  );
  await saveDraft(a.author, conversationId, '');
  await b.until(async () => ((await row(b))?.draft === '' ? true : undefined), 'the empty draft');
});

test('who does not show when they are here does not on any of their devices, nor on one that is linked later', async () => {
  const [a, b] = all();
  await showPresence(b.author, false);
  const hidden = (device: TestDevice) =>
    device.until(async () => ((await presenceShown(device.db)) ? undefined : true), 'the wish to be hidden');
  await hidden(a);
  await hidden(await town.linked(a));
  await showPresence(a.author, true);
  await b.until(async () => ((await presenceShown(b.db)) ? true : undefined), 'the wish to be shown');
});

test('a removed device wipes itself, its owner sees that, and contacts are told by a signature', async () => {
  const [a, b, other] = all();
  const deviceId = await idOf(b);
  await sendText(b.author, conversationId, 'from the phone');
  await body(other, 'from the phone');
  await removeDevice(a.author, { deviceId, name: 'Phone' });
  await b.until(async () => {
    const session = await b.db.readMeta('session');
    return session?.state === 'ended' && (await b.db.messages.count()) === 0 ? true : undefined;
  }, 'the wipe');
  for (const table of b.db.tables.filter((one) => one.name !== 'meta')) expect(await table.count()).toBe(0);
  await a.until(
    async () => ((await a.db.removals.get(deviceId))?.state === 'wiped' ? true : undefined),
    'word of the wipe',
  );
  await other.until(() => other.db.revocations.get(deviceId), 'the revocation');
  await sendText(other.author, conversationId, 'only to the laptop');
  await body(a, 'only to the laptop');
  expect(await body(other, 'from the phone')).toMatchObject({ kind: 'text' });
});

test('another device of the account is told of one that was linked, and of one that was removed', async () => {
  const [a, b] = all();
  const tablet = await town.linked(a);
  const deviceId = await idOf(tablet);
  const news = (event: string) =>
    b.until(
      async () => (await b.db.readMeta('deviceNews'))?.find((one) => one.event === event),
      `word of what was ${event}`,
    );
  expect(await news('linked')).toMatchObject({ deviceId, name: 'Phone' });
  await removeDevice(a.author, { deviceId, name: 'Tablet' });
  expect(await news('removed')).toMatchObject({ deviceId, name: 'Phone' });
  expect(await a.db.readMeta('deviceNews')).toEqual([]);
});

test('a device that was away when it was removed wipes itself when it is back', async () => {
  const [a, b] = all();
  b.network.setUp(false);
  const deviceId = await idOf(b);
  await removeDevice(a.author, { deviceId, name: 'Phone' });
  await a.until(
    async () => ((await a.db.removals.get(deviceId))?.state === 'removed' ? true : undefined),
    'the removal',
  );
  b.network.setUp(true);
  await b.until(
    async () => ((await b.db.readMeta('session'))?.state === 'ended' ? true : undefined),
    'the end',
  );
  await a.until(
    async () => ((await a.db.removals.get(deviceId))?.state === 'wiped' ? true : undefined),
    'word of the wipe',
  );
});

test('what was read is told at once, also while a draft waits for its writer to pause', async () => {
  const [a, b, other] = all();
  await sendText(other.author, conversationId, 'read me');
  for (const device of [a, b]) await body(device, 'read me');
  // A pause that does not end.
  a.clockStoppedAt = Date.now();
  await a.db.tellings.put({
    key: `draft ${conversationId}`,
    kind: 'draft',
    about: conversationId,
    version: 'one',
    notBefore: a.clockStoppedAt + 50_000,
  });
  await markRead(a.author, conversationId, (await row(a))?.cursor ?? 0);
  await b.until(async () => ((await row(b))?.unread === 0 ? true : undefined), 'an empty badge');
  await a.until(async () => ((await a.db.tellings.count()) === 1 ? true : undefined), 'the end of telling');
  expect(await a.db.tellings.toCollection().primaryKeys()).toEqual([`draft ${conversationId}`]);
});

test('a removal that fails while the connection lives is tried again by itself, and holds up no other', async () => {
  const [a, b] = all();
  const tablet = await town.linked(a);
  const ids = await Promise.all([b, tablet].map(idOf));
  // They are done in the order of their ids.
  const [first = '', second = ''] = ids.toSorted();
  let failures = 0;
  a.network.fails = (url, sent) => {
    const fails = url.includes('devices.revoke?') && sent.includes(first);
    if (fails) failures += 1;
    return fails;
  };
  for (const deviceId of ids) await removeDevice(a.author, { deviceId, name: 'Lost' });
  const wiped = (deviceId: string) =>
    a.until(
      async () => ((await a.db.removals.get(deviceId))?.state === 'wiped' ? true : undefined),
      'word of the wipe',
    );
  await wiped(second);
  expect((await a.db.removals.get(first))?.state).toBe('wished');
  const before = failures;
  // More than any word of the server's asks for.
  await a.until(async () => (failures > before + 3 ? true : undefined), 'further tries');
  a.network.fails = () => false;
  await wiped(first);
  expect(a.network.opened).toBe(1);
});
