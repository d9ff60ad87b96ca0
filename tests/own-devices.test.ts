import { afterEach, beforeEach, expect, test } from 'vitest';
import { setAlertSettings } from '../lib/client/alert-intents';
import { runInBackground } from '../lib/client/background-run';
import { removeDevice, showPresence } from '../lib/client/device-intents';
import { startEngine } from '../lib/client/engine';
import { endSession } from '../lib/client/erasure';
import { markRead, saveDraft, sendText } from '../lib/client/intents';
import { confirmLink, enterLinkCode, showLinkCode } from '../lib/client/link-intents';
import { presenceShown } from '../lib/client/queries';
import type { TestDevice } from './device';
import { body, linkStep, Town } from './own-devices';

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

test('what is read at a click is shown on the other device before it is stored there, and stays so', async () => {
  const [a, b, other] = all();
  const read = async (text: string) => {
    await sendText(other.author, conversationId, text);
    for (const device of [a, b]) await body(device, text);
    const seq = (await row(a))?.cursor ?? 0;
    a.read({ conversationId, seq });
    await b.until(
      async () => (b.readElsewhere.some((reading) => reading.seq === seq) ? true : undefined),
      'the word of it',
    );
    return seq;
  };
  // It brings the key.
  const first = await read('one');
  await a.until(async () => ((await row(a))?.readSeq === first ? true : undefined), 'the reading');
  await a.until(async () => ((await a.db.tellings.count()) === 0 ? true : undefined), 'telling');
  b.network.loses = (message) => message.includes('"t":"envelopes"');
  const second = await read('two');
  expect((await row(b))?.readSeq).toBe(first);
  b.network.loses = () => false;
  b.hurry();
  b.network.setUp(false);
  b.network.setUp(true);
  await b.until(async () => ((await row(b))?.readSeq === second ? true : undefined), 'the reading');
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

const word = (device: TestDevice, deviceId: string, state: 'removed' | 'wiped') =>
  device.until(
    async () => ((await device.db.removals.get(deviceId))?.state === state ? true : undefined),
    `word that it is ${state}`,
  );

async function removedWhileAway(owner: TestDevice, away: TestDevice): Promise<string> {
  await away.stop();
  const deviceId = await idOf(away);
  await removeDevice(owner.author, { deviceId, name: 'Phone' });
  await word(owner, deviceId, 'removed');
  return deviceId;
}

/** What its tab has written before it was killed. */
const end = (device: TestDevice) =>
  device.db.writeMeta('session', { state: 'ended', code: 'device_revoked' });

const erased = (device: TestDevice, how: 'here' | 'told') =>
  device.until(async () => {
    const session = await device.db.readMeta('session');
    return session?.state === 'ended' && session.erased === how ? true : undefined;
  }, `an erased device: ${how}`);

async function expectNothingOn(device: TestDevice): Promise<void> {
  for (const table of device.db.tables.filter(({ name }) => name !== 'meta'))
    expect(await table.count()).toBe(0);
  const stores = (await indexedDB.databases()).map(({ name }) => name ?? '');
  expect(stores.filter((name) => name.startsWith(`${device.db.name}-machine`))).toEqual([]);
  expect(device.alerts.size).toBe(0);
}

test('a device that was removed while no page of it was open erases itself when a push wakes it', async () => {
  const [a, b, other] = all();
  await setAlertSettings(b.author, { on: true });
  await sendText(other.author, conversationId, 'a secret');
  await b.until(async () => (b.alerts.size > 0 ? true : undefined), 'the notification');
  const deviceId = await removedWhileAway(a, b);
  expect(await runInBackground(b.environment(), { catchUpMs: 500_000, sendMs: 500_000 })).toBe(false);
  await expectNothingOn(b);
  await word(a, deviceId, 'wiped');
});

test('a removed device whose tab was killed before it was erased is erased by the next start, and tells so once it can', async () => {
  const [a, b] = all();
  const deviceId = await removedWhileAway(a, b);
  await end(b);
  b.network.setUp(false);
  b.start();
  await erased(b, 'here');
  await expectNothingOn(b);
  await b.stop();
  const refusal = b.network.refusal();
  b.start();
  await refusal;
  b.network.setUp(true);
  b.hurry();
  await word(a, deviceId, 'wiped');
  await erased(b, 'told');
});

test('a removed device that had lost its keys is erased as well', async () => {
  const [a, b, other] = all();
  await sendText(other.author, conversationId, 'a secret');
  await body(b, 'a secret');
  const deviceId = await removedWhileAway(a, b);
  await b.wipeKeys();
  b.network.setUp(false);
  b.start();
  await b.until(() => b.db.readMeta('lost'), 'the loss');
  expect(await b.db.messages.count()).toBeGreaterThan(0);
  b.network.setUp(true);
  await endSession(b.db, deviceId, 'device_revoked');
  await erased(b, 'told');
  await expectNothingOn(b);
  expect(await b.db.readMeta('lost')).toBeUndefined();
  await word(a, deviceId, 'wiped');
});

test('a removed device that had lost its keys hears of its removal while it looks for them', async () => {
  const [a, b, other] = all();
  await sendText(other.author, conversationId, 'a secret');
  await body(b, 'a secret');
  const deviceId = await removedWhileAway(a, b);
  await b.wipeKeys();
  const environment = b.environment();
  const engine = startEngine({
    ...environment,
    openMachine: async (...given) => {
      await b.until(
        async () => ((await b.db.readMeta('session'))?.state === 'ended' ? true : undefined),
        'the end',
      );
      return environment.openMachine(...given);
    },
  });
  await erased(b, 'told');
  await expectNothingOn(b);
  expect(await b.db.readMeta('lost')).toBeUndefined();
  await word(a, deviceId, 'wiped');
  await engine.stop();
});

test('a removed device is erased before it is linked anew, and not after', async () => {
  const [a, b, other] = all();
  const before = await removedWhileAway(a, b);
  await end(b);
  await showLinkCode(a.db, { name: 'Old', kind: 'DESKTOP' });
  await enterLinkCode(b.db, (await linkStep(a, 'showing')).code, { name: 'Again', kind: 'MOBILE' });
  b.start();
  const { checkCode } = await linkStep(b, 'checking');
  await expectNothingOn(b);
  await linkStep(a, 'confirming');
  await confirmLink(a.db, checkCode);
  await linkStep(b, 'done');
  await word(a, before, 'wiped');
  // What a page heard of the device that was does not end the one that is.
  await endSession(b.db, before, 'device_revoked');
  await b.stop();
  b.start();
  await sendText(other.author, conversationId, 'to the new one');
  await body(b, 'to the new one');
  expect(await idOf(b)).not.toBe(before);
});

test('a removed device is erased also if what it was doing does not end', async () => {
  const [a, b] = all();
  await b.stop();
  const environment = b.environment();
  const engine = startEngine({
    ...environment,
    openMachine: async (...given) => {
      const machine = await environment.openMachine(...given);
      const close = machine.close.bind(machine);
      return Object.assign(machine, { close: () => close().then(() => new Promise<void>(() => undefined)) });
    },
  });
  await removeDevice(a.author, { deviceId: await idOf(b), name: 'Phone' });
  await erased(b, 'told');
  await expectNothingOn(b);
  await engine.stop();
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
