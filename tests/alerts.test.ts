import { afterEach, beforeEach, expect, test } from 'vitest';
import { setAlertRule, setAlertSettings } from '../lib/client/alert-intents';
import { forEver } from '../lib/client/alert-rules';
import { runInBackground } from '../lib/client/background-run';
import { deleteMessage, editMessage } from '../lib/client/change-intents';
import { removeDevice } from '../lib/client/device-intents';
import { dismissDeviceNews } from '../lib/client/device-news';
import { markRead, react, sendText, startGroup } from '../lib/client/intents';
import { unreadTotal } from '../lib/client/queries';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  ({ town, anna, bert, conversationId } = await Town.pair());
  await setAlertSettings(anna.author, { on: true });
});
afterEach(() => town.close());

/** The device's clock runs fifty times too fast for bounds that are meant for a browser. */
const patient = { catchUpMs: 5_000_000, sendMs: 5_000_000 };

const alerted = (device: TestDevice, text: string) =>
  device.until(async () => device.shown.find((alert) => alert.text === text), `the alert of ${text}`);

const readAll = async (device: TestDevice) => {
  const row = await device.db.conversations.get(conversationId);
  await markRead(device.author, conversationId, row?.cursor ?? 0);
};

test('tells of a message with name, text and count, in one notification for the conversation', async () => {
  await sendText(bert.author, conversationId, 'one');
  await alerted(anna, 'one');
  await sendText(bert.author, conversationId, 'two');
  const alert = await alerted(anna, 'two');
  expect(alert).toMatchObject({ title: 'BERT', sender: null, count: 2, silent: false });
  expect([...anna.alerts.keys()]).toEqual([conversationId]);
});

test('shows of a message what its reader allows, and nothing while somebody looks', async () => {
  await setAlertSettings(anna.author, { content: 'name', sound: false });
  await sendText(bert.author, conversationId, 'one');
  const first = await anna.until(async () => anna.shown[0], 'an alert');
  expect(first).toMatchObject({ title: 'BERT', text: null, silent: true });
  await setAlertSettings(anna.author, { content: 'none', sound: true, quiet: { from: 0, to: 24 * 60 } });
  await sendText(bert.author, conversationId, 'two');
  const second = await anna.until(async () => anna.shown[1], 'an alert');
  expect(second).toMatchObject({ title: null, text: null, silent: true });
  anna.lookedAt = true;
  const { looks } = anna;
  await sendText(bert.author, conversationId, 'three');
  await anna.until(async () => (anna.looks > looks ? true : undefined), 'the look at who looks');
  anna.lookedAt = false;
  await setAlertSettings(anna.author, { content: 'text', quiet: null });
  await sendText(bert.author, conversationId, 'four');
  await alerted(anna, 'four');
  expect(anna.shown).toHaveLength(3);
});

test('edits, deletions and reactions tell of nothing', async () => {
  const id = await sendText(bert.author, conversationId, 'one');
  await alerted(anna, 'one');
  const row = await bert.db.messages.get(id);
  if (!row) throw new Error('the message is gone');
  await editMessage(bert.author, row, 'one, mended');
  await react(bert.author, row, '👍');
  await body(anna, 'one, mended');
  await deleteMessage(bert.author, row);
  await sendText(bert.author, conversationId, 'two');
  await alerted(anna, 'two');
  expect(anna.shown.map((alert) => alert.text)).toEqual(['one', 'two']);
});

test('what was read on another device is taken back here', async () => {
  const phone = await town.linked(anna);
  await sendText(bert.author, conversationId, 'one');
  await alerted(anna, 'one');
  await body(phone, 'one');
  await readAll(phone);
  await anna.until(async () => (anna.alerts.size === 0 ? true : undefined), 'the alert to go');
});

test('a muted conversation is silent on all devices of its owner, and counts in no title', async () => {
  const phone = await town.linked(anna);
  await setAlertSettings(phone.author, { on: true });
  await setAlertRule(anna.author, conversationId, { mutedUntil: forEver });
  await phone.until(async () => (await phone.db.conversations.get(conversationId))?.alertRule, 'the rule');
  await sendText(bert.author, conversationId, 'unheard');
  for (const device of [anna, phone]) {
    await body(device, 'unheard');
    expect(await unreadTotal(device.db, Date.now())).toBe(0);
  }
  await setAlertRule(phone.author, conversationId, { mutedUntil: 0 });
  await anna.until(async () => {
    const row = await anna.db.conversations.get(conversationId);
    return row?.alertRule?.mutedUntil === 0 ? true : undefined;
  }, 'the rule to end');
  await sendText(bert.author, conversationId, 'heard');
  await alerted(anna, 'heard');
  await alerted(phone, 'heard');
  expect(anna.shown.map((alert) => alert.text)).toEqual(['heard']);
});

test('a group with mentions only tells of what names or answers its reader', async () => {
  const session = await anna.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('anna is not signed in');
  const group = await startGroup(bert.author, 'Choir', [session]);
  await anna.until(() => anna.db.conversations.get(group), 'the group');
  await setAlertRule(anna.author, group, { mentionsOnly: true });
  await sendText(bert.author, group, 'nothing for you');
  await body(anna, 'nothing for you');
  const unread = () => unreadTotal(anna.db, anna.author.now());
  expect(await unread()).toBe(0);
  await sendText(bert.author, group, 'this is for @Anna!');
  const alert = await alerted(anna, 'this is for @Anna!');
  expect(alert).toMatchObject({ title: 'Choir', sender: 'BERT' });
  expect(await unread()).toBe(1);
  const mine = await sendText(anna.author, group, 'what is?');
  await body(bert, 'what is?');
  await sendText(bert.author, group, 'this one', mine);
  await alerted(anna, 'this one');
  expect(anna.shown).toHaveLength(2);
  await markRead(anna.author, group, (await anna.db.conversations.get(group))?.cursor ?? 0);
  expect(await unread()).toBe(0);
});

test('with no page open the engine runs once: it fetches, tells, says that it has it, and closes', async () => {
  await anna.stop();
  await sendText(bert.author, conversationId, 'are you there?');
  await bert.until(async () => ((await bert.db.outbox.count()) === 0 ? true : undefined), 'the sending');
  expect(await runInBackground(anna.environment(), patient)).toBe(true);
  expect(anna.shown.map((alert) => alert.text)).toEqual(['are you there?']);
  await bert.until(async () => {
    const row = await bert.db.conversations.get(conversationId);
    const session = await anna.db.readMeta('session');
    const mark = session?.state === 'signed_in' ? row?.marks[session.userId] : undefined;
    return mark && mark.delivered === row?.lastSeq ? true : undefined;
  }, 'the mark');
  anna.start();
  await sendText(bert.author, conversationId, 'and now?');
  await alerted(anna, 'and now?');
});

test('a run in the background ends in time without a network', async () => {
  await anna.stop();
  anna.network.setUp(false);
  expect(await runInBackground(anna.environment(), { catchUpMs: 500, sendMs: 500 })).toBe(false);
  expect(anna.shown).toEqual([]);
});

test('a device that comes or goes elsewhere is told of once, and not any more when somebody has seen it', async () => {
  const phone = await town.linked(anna);
  await setAlertSettings(phone.author, { on: true, sound: false });
  await phone.until(() => phone.db.readMeta('devices'), 'what devices there are');
  await phone.stop();
  const tablet = await town.linked(anna);
  const session = await tablet.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('the tablet is not signed in');
  const { deviceId } = session;
  for (const run of ['the first', 'another'])
    expect(await runInBackground(phone.environment(), patient), run).toBe(true);
  const linked = { event: 'linked', deviceId, name: 'Phone', silent: true };
  expect(phone.shownDevices).toMatchObject([linked]);
  expect([...phone.alerts.keys()]).toEqual([deviceId]);
  phone.start();
  await dismissDeviceNews(phone.db, deviceId);
  await phone.until(async () => (phone.alerts.size === 0 ? true : undefined), 'the alert to go');
  await setAlertSettings(phone.author, { content: 'none' });
  await removeDevice(anna.author, { deviceId, name: 'Tablet' });
  await phone.until(async () => phone.alerts.get(deviceId), 'the alert of the removal');
  expect(phone.shownDevices).toMatchObject([linked, { event: 'removed', deviceId, name: null }]);
  expect(anna.shownDevices).toEqual([]);
});

test('of a device that another part of the engine has heard of first somebody is told all the same', async () => {
  const phone = await town.linked(anna);
  await setAlertSettings(phone.author, { on: true });
  await phone.until(() => phone.db.readMeta('devices'), 'what devices there are');
  await phone.stop();
  const deviceId = phone.author.newId();
  await phone.db.writeMeta('deviceNews', [{ event: 'linked', deviceId, name: 'Tablet', at: 1 }]);
  for (const run of ['the first', 'another'])
    expect(await runInBackground(phone.environment(), patient), run).toBe(true);
  expect(phone.shownDevices).toMatchObject([{ event: 'linked', deviceId, name: 'Tablet' }]);
});
