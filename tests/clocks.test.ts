import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDevice, setTabVisible } from '../lib/client/device-intents';
import { markRead, saveDraft, sendText } from '../lib/client/intents';
import { enterLinkCode, showLinkCode } from '../lib/client/link-intents';
import { conversations, lastMessages, presenceAt } from '../lib/client/queries';
import type { TestDevice } from './device';
import { body, linkDevices, linkStep, Town } from './own-devices';

const twoHoursMs = 2 * 3_600_000;

let town: Town;
/** Two hours ahead. */
let anna: TestDevice;
/** Two hours behind. */
let bert: TestDevice;
let carl: TestDevice;

beforeEach(async () => {
  town = await Town.open();
  anna = await off('anna', twoHoursMs);
  bert = await off('bert', -twoHoursMs);
  carl = await town.person('carl');
});
afterEach(() => town.close());

async function off(handle: string, offsetMs: number): Promise<TestDevice> {
  const device = town.device();
  device.clockOffsetMs = offsetMs;
  await device.signUp(handle);
  return device;
}

async function linkedOff(owner: TestDevice, offsetMs: number): Promise<TestDevice> {
  const device = town.device();
  device.clockOffsetMs = offsetMs;
  await linkDevices(owner, device);
  return device;
}

const said = async (device: TestDevice, conversationId: string) =>
  (await lastMessages(device.db, conversationId, 100))
    .filter((row) => row.kind === 'text')
    .map((row) => row.body);

/** Waits until all that a device wrote is on the server. */
const sent = (device: TestDevice) =>
  device.until(async () => ((await device.db.outbox.count()) === 0 ? true : undefined), 'sending');

test('messages stand in one order on all devices, and none is missing, however wrong their clocks are', async () => {
  const id = await town.contacts(anna, bert);
  const phone = await linkedOff(anna, -twoHoursMs);
  const expected: string[] = [];
  for (let round = 0; round < 5; round++) {
    for (const [device, name] of [
      [anna, 'ahead'],
      [bert, 'behind'],
      [phone, 'phone'],
    ] as const) {
      const text = `${name} ${round}`;
      await sendText(device.author, id, text);
      await sent(device);
      expected.push(text);
      for (const reader of [anna, bert, phone]) await body(reader, text);
      // Also in the list, where the newest message is the one that counts.
      for (const reader of [anna, bert, phone])
        await reader.until(
          async () => ((await reader.db.conversations.get(id))?.preview?.text === text ? true : undefined),
          'the list',
        );
    }
  }
  for (const device of [anna, bert, phone]) expect(await said(device, id)).toEqual(expected);
});

test('what was written without a network comes after what was there, and both sides see one order', async () => {
  const id = await town.contacts(anna, bert);
  await sendText(bert.author, id, 'before');
  await body(anna, 'before');
  anna.network.setUp(false);
  bert.network.setUp(false);
  for (const text of ['a1', 'a2', 'a3']) await sendText(anna.author, id, text);
  for (const text of ['b1', 'b2', 'b3']) await sendText(bert.author, id, text);
  expect(await said(anna, id)).toEqual(['before', 'a1', 'a2', 'a3']);
  expect(await said(bert, id)).toEqual(['before', 'b1', 'b2', 'b3']);
  for (const device of [bert, anna]) {
    device.network.setUp(true);
    device.hurry();
    await sent(device);
  }
  for (const text of ['a3', 'b3']) for (const device of [anna, bert]) await body(device, text);
  expect(await said(anna, id)).toEqual(['before', 'b1', 'b2', 'b3', 'a1', 'a2', 'a3']);
  expect(await said(bert, id)).toEqual(await said(anna, id));
});

test('the conversation in which somebody wrote last is the first in the list', async () => {
  const withBert = await town.contacts(anna, bert);
  const withCarl = await town.contacts(anna, carl);
  const phone = await linkedOff(anna, -twoHoursMs);
  const first = async (device: TestDevice, conversationId: string) =>
    device.until(
      async () => ((await conversations(device.db))[0]?.conversationId === conversationId ? true : undefined),
      'the newest to be first',
    );
  for (const [writer, conversationId] of [
    [anna, withBert],
    [carl, withCarl],
    [bert, withBert],
    [phone, withCarl],
    [anna, withBert],
    [phone, withCarl],
  ] as const) {
    await sendText(writer.author, conversationId, `by ${writer.clockOffsetMs}`);
    // At once for the writer, whatever their clock says.
    if (writer !== bert && writer !== carl) await first(writer, conversationId);
    await sent(writer);
    for (const device of [anna, phone]) await first(device, conversationId);
  }
});

test('what is read stays read, and the later draft stands, between devices four hours apart', async () => {
  const id = await town.contacts(anna, bert);
  const phone = await linkedOff(anna, -twoHoursMs);
  for (const text of ['one', 'two', 'three']) await sendText(bert.author, id, text);
  for (const device of [anna, phone]) await body(device, 'three');
  const readIs = (device: TestDevice, seq: number) =>
    device.until(
      async () => ((await device.db.conversations.get(id))?.readSeq === seq ? true : undefined),
      `read up to ${seq}`,
    );
  await markRead(anna.author, id, 2);
  await readIs(phone, 2);
  await markRead(phone.author, id, 3);
  await readIs(anna, 3);
  expect((await phone.db.conversations.get(id))?.unread).toBe(0);
  await bert.until(
    async () =>
      Object.values((await bert.db.conversations.get(id))?.marks ?? {}).some((mark) => mark.read === 3)
        ? true
        : undefined,
    'the mark',
  );
  const draftIs = (device: TestDevice, text: string) =>
    device.until(
      async () => ((await device.db.conversations.get(id))?.draft === text ? true : undefined),
      `the draft “${text}”`,
    );
  await saveDraft(anna.author, id, 'ahead');
  await draftIs(phone, 'ahead');
  // Later, though the clock says four hours earlier.
  await saveDraft(phone.author, id, 'behind, and later');
  await draftIs(anna, 'behind, and later');
  await saveDraft(anna.author, id, '');
  await draftIs(phone, '');
});

test('who is here is seen, and who goes is seen to go', async () => {
  await town.contacts(anna, bert);
  const userOf = async (device: TestDevice) => {
    const session = await device.db.readMeta('session');
    return session?.state === 'signed_in' ? session.userId : '';
  };
  const comesToThink = async (device: TestDevice, other: TestDevice, state: string) => {
    const userId = await userOf(other);
    await device.until(async () => {
      const row = await device.db.presences.get(userId);
      return presenceAt(row, device.author.now()).state === state ? true : undefined;
    }, state);
  };
  await setTabVisible(anna.author, 'tab', true);
  await setTabVisible(bert.author, 'tab', true);
  await comesToThink(bert, anna, 'online');
  await comesToThink(anna, bert, 'online');
  await setTabVisible(anna.author, 'tab', false);
  await comesToThink(bert, anna, 'away');
});

test('a clock that is put right neither hides a draft nor keeps somebody here', async () => {
  const id = await town.contacts(bert, carl);
  const phone = await linkedOff(bert, 0);
  bert.network.setUp(false);
  bert.clockOffsetMs = twoHoursMs;
  await saveDraft(bert.author, id, 'written by a wrong clock');
  bert.clockOffsetMs = 0;
  bert.network.setUp(true);
  bert.hurry();
  await phone.until(
    async () => ((await phone.db.conversations.get(id))?.draft.startsWith('written') ? true : undefined),
    'the draft',
  );
  expect(presenceAt({ userId: id, saidAt: 0, onlineUntil: twoHoursMs, lastSeenAt: 0 }, 0).state).toBe('away');
});

test('a code to link with is valid for five minutes by the server, whatever the clocks of both sides say', async () => {
  await showLinkCode(anna.db, { name: 'Anna', kind: 'DESKTOP' });
  const showing = await linkStep(anna, 'showing');
  // By its own clock, so that its countdown is right.
  const leftMs = showing.expiresAt - anna.author.now();
  expect(leftMs).toBeGreaterThan(4 * 60_000);
  expect(leftMs).toBeLessThanOrEqual(5 * 60_000);
  const phone = town.device();
  phone.clockOffsetMs = -twoHoursMs;
  await enterLinkCode(phone.db, showing.code, { name: 'Phone', kind: 'MOBILE' });
  const checking = await linkStep(phone, 'checking');
  expect(checking.expiresAt - phone.author.now()).toBeLessThanOrEqual(5 * 60_000);
  // Its five minutes pass: the linking ends, though the other side's clock says that there are hours left.
  anna.clockOffsetMs += 6 * 60_000;
  await linkStep(anna, 'failed');
  await linkStep(phone, 'failed');
});

test('a device that was shut out by a wrong clock is shut out from that moment, and no message before it is lost', async () => {
  const id = await town.contacts(anna, bert);
  const phone = await linkedOff(anna, -twoHoursMs);
  await sendText(phone.author, id, 'while it was ours');
  for (const device of [anna, bert]) await body(device, 'while it was ours');
  const session = await phone.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('not linked');
  await removeDevice(anna.author, { deviceId: session.deviceId, name: 'Phone' });
  await phone.until(
    async () => ((await phone.db.readMeta('session'))?.state === 'ended' ? true : undefined),
    'the end',
  );
  await sendText(anna.author, id, 'after');
  await body(bert, 'after');
  expect(await said(bert, id)).toEqual(['while it was ours', 'after']);
  // A device that comes later reads all of it: the time of the removal is the server's, not that of the clock here.
  const laptop = await linkedOff(anna, twoHoursMs);
  for (const text of ['while it was ours', 'after']) await body(laptop, text);
});
