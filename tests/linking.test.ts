import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { missingIn } from '../lib/client/gaps';
import { accept, markRead, sendText, startDirect } from '../lib/client/intents';
import { cancelLink, confirmLink, enterLinkCode, showLinkCode } from '../lib/client/link-intents';
import { decideIdentity } from '../lib/client/trust-intents';
import { noRates } from '../server/limiter';
import { type RunningServer, startServer } from '../server/start';
import { dataFolder } from './data-folder';
import { TestDevice } from './device';
import { dice } from './dice';
import { linkStep } from './own-devices';

let folder: string;
let server: RunningServer;
let laptop: TestDevice;
let phone: TestDevice;
let bert: TestDevice;
let conversationId: string;
/** How far the server's clock is ahead, ms. */
let aheadMs: number;
const phoneName = { name: 'Phone', kind: 'MOBILE' as const };
const laptopName = { name: 'Laptop', kind: 'DESKTOP' as const };

beforeEach(async () => {
  folder = await dataFolder();
  aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  server = await startServer({ port: 0, dataDir: folder, logLevel: 'error', rates: noRates, now });
  [laptop, phone, bert] = [1, 2, 3].map((seed) => new TestDevice(() => server.origin, dice(seed))) as [
    TestDevice,
    TestDevice,
    TestDevice,
  ];
  for (const device of [laptop, phone, bert]) device.start();
  await laptop.signUp('anna');
  const other = await bert.signUp('bert');
  conversationId = await startDirect(laptop.author, other);
  await bert.until(() => bert.db.conversations.get(conversationId), 'the request');
  await accept(bert.author, conversationId);
});

afterEach(async () => {
  for (const device of [laptop, phone, bert]) await device.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function show(device: TestDevice): Promise<string> {
  await showLinkCode(device.db, device === phone ? phoneName : laptopName);
  return (await linkStep(device, 'showing')).code;
}

const enter = (device: TestDevice, code: string) =>
  enterLinkCode(device.db, code, device === phone ? phoneName : laptopName);

async function confirmed(): Promise<void> {
  const { checkCode } = await linkStep(phone, 'checking');
  expect(await linkStep(laptop, 'confirming')).toMatchObject({ name: 'Phone', kind: 'MOBILE' });
  await confirmLink(laptop.db, checkCode);
}

async function link(): Promise<void> {
  await enter(phone, await show(laptop));
  await confirmed();
  await linkStep(phone, 'done');
  await linkStep(laptop, 'done');
}

const body = (device: TestDevice, text: string) =>
  device.until(() => device.db.messages.filter((row) => row.body === text).first(), text);

test('a linked device has the history, of both sides, and takes part from then on', async () => {
  for (let index = 0; index < 120; index++) {
    await sendText(index % 2 ? laptop.author : bert.author, conversationId, `message ${index}`);
  }
  await body(laptop, 'message 118');
  await laptop.until(async () => ((await laptop.db.outbox.count()) === 0 ? true : undefined), 'sending');
  await markRead(laptop.author, conversationId, 121);
  await link();
  expect(await phone.db.readMeta('session')).toMatchObject({ state: 'signed_in', handle: 'anna' });
  const row = await phone.until(() => phone.db.conversations.get(conversationId), 'the conversation');
  expect(missingIn(row.gaps)).toBeGreaterThan(0);
  await phone.until(async () => {
    const texts = await phone.db.messages.filter((one) => one.kind === 'text').count();
    return texts === 120 ? true : undefined;
  }, 'all history');
  await phone.until(
    async () => ((await phone.db.readMeta('history'))?.left === 0 ? true : undefined),
    'the end of history',
  );
  expect((await phone.db.conversations.get(conversationId))?.unread).toBe(0);
  expect((await phone.db.people.toArray()).map((person) => person.name)).toContain('BERT');
  await sendText(bert.author, conversationId, 'to both of you');
  await sendText(phone.author, conversationId, 'from the phone');
  for (const device of [laptop, phone]) await body(device, 'to both of you');
  for (const device of [laptop, bert]) await body(device, 'from the phone');
});

test('a linked device goes by whom the account has verified, from its first word on', async () => {
  const other = await bert.db.readMeta('session');
  if (other?.state !== 'signed_in') throw new Error('not signed in');
  await sendText(laptop.author, conversationId, 'from the laptop');
  await body(bert, 'from the laptop');
  const met = await laptop.until(() => laptop.db.identities.get(other.userId), 'the identity');
  await decideIdentity(laptop.author, { userId: other.userId, masterKey: met.masterKey, verify: true });
  const verified = await laptop.until(async () => {
    const known = await laptop.db.identities.get(other.userId);
    return known?.verification ? known : undefined;
  }, 'the verification');
  await link();
  await sendText(phone.author, conversationId, 'from the phone');
  await body(bert, 'from the phone');
  await sendText(bert.author, conversationId, 'to the phone');
  await body(phone, 'to the phone');
  const { masterKey, verification } = verified;
  expect(await phone.db.identities.get(other.userId)).toMatchObject({ masterKey, verification });
});

test('a linked device knows what others had read before it came', async () => {
  await sendText(laptop.author, conversationId, 'read long ago');
  const seq = (await body(bert, 'read long ago')).seq ?? 0;
  await markRead(bert.author, conversationId, seq);
  const readBy = async (device: TestDevice) => {
    const marks = Object.values((await device.db.conversations.get(conversationId))?.marks ?? {});
    return marks.some((mark) => mark.read >= seq) ? true : undefined;
  };
  await laptop.until(() => readBy(laptop), 'the mark');
  // Its key is in the backup before the new device looks there.
  await laptop.until(async () => ((await laptop.db.outbox.count()) === 0 ? true : undefined), 'sending');
  aheadMs = 60 * 60 * 1000;
  await link();
  await phone.until(() => readBy(phone), 'the mark from before');
});

test('the new device may be the one that shows the code', async () => {
  await sendText(laptop.author, conversationId, 'before');
  await body(bert, 'before');
  await enter(laptop, await show(phone));
  await confirmed();
  await linkStep(phone, 'done');
  await body(phone, 'before');
});

test('wrong digits link nothing', async () => {
  await enter(phone, await show(laptop));
  const { checkCode } = await linkStep(phone, 'checking');
  await linkStep(laptop, 'confirming');
  await confirmLink(laptop.db, checkCode === '11' ? '12' : '11');
  expect(await linkStep(laptop, 'failed')).toMatchObject({ reason: 'wrong_check' });
  expect(await linkStep(phone, 'failed')).toMatchObject({ reason: 'wrong_check' });
  expect((await phone.db.readMeta('session'))?.state).not.toBe('signed_in');
});

test('cancelled on either side, it ends on both with a reason', async () => {
  await enter(phone, await show(laptop));
  await linkStep(phone, 'checking');
  await cancelLink(phone.db);
  expect(await linkStep(laptop, 'failed')).toMatchObject({ reason: 'ended' });
  expect(await linkStep(phone, 'failed')).toMatchObject({ reason: 'cancelled' });
  await enter(phone, await show(laptop));
  await linkStep(laptop, 'confirming');
  await cancelLink(laptop.db);
  expect(await linkStep(phone, 'failed')).toMatchObject({ reason: 'ended' });
});

test('a code that was used, is none, or is of the same side links nothing', async () => {
  const code = await show(laptop);
  await enter(bert, code);
  expect(await linkStep(bert, 'failed')).toMatchObject({ reason: 'same_side' });
  await enter(phone, 'HELLO');
  expect(await linkStep(phone, 'failed')).toMatchObject({ reason: 'wrong_code' });
  const other = code.endsWith('0') ? '1' : '0';
  await enter(phone, `${code.slice(0, -1)}${other}`);
  expect(await linkStep(phone, 'failed')).toMatchObject({ reason: 'wrong_code' });
  await enter(phone, code);
  await confirmed();
  await linkStep(phone, 'done');
  const late = new TestDevice(() => server.origin, dice(9));
  late.start();
  await enter(late, code);
  expect((await linkStep(late, 'failed')).reason).toMatch(/used|expired/);
  await late.close();
});

test('an engine that is restarted in the middle says so, and the next try links', async () => {
  await enter(phone, await show(laptop));
  await linkStep(phone, 'checking');
  await phone.stop();
  phone.start();
  expect(await linkStep(phone, 'failed')).toMatchObject({ reason: 'interrupted' });
  await linkStep(laptop, 'failed');
  await link();
});

test('a code that nobody reads expires with a sentence, and later links nothing', async () => {
  const code = await show(laptop);
  laptop.clockOffsetMs = 5 * 60_000;
  expect(await linkStep(laptop, 'failed')).toMatchObject({ reason: 'expired' });
  await enter(phone, code);
  expect((await linkStep(phone, 'failed')).reason).toMatch(/used|expired/);
});

test('a clock that is hours wrong does not keep a device from being linked', async () => {
  laptop.clockOffsetMs = 7_200_000;
  phone.clockOffsetMs = -7_200_000;
  await link();
});

test.each(['showing', 'checking', 'confirming', 'finishing'] as const)(
  'a network that is cut while %s comes back, and the linking goes on',
  async (at) => {
    const cut = async (device: TestDevice) => {
      device.network.setUp(false);
      await device.network.refusal();
      device.network.setUp(true);
      device.hurry();
    };
    const code = await show(laptop);
    if (at === 'showing') await cut(laptop);
    await enter(phone, code);
    const { checkCode } = await linkStep(phone, 'checking');
    if (at === 'checking') await cut(phone);
    await linkStep(laptop, 'confirming');
    if (at === 'confirming') await cut(laptop);
    await confirmLink(laptop.db, checkCode);
    if (at === 'finishing') await Promise.all([cut(phone), cut(laptop)]);
    await linkStep(phone, 'done');
    await linkStep(laptop, 'done');
  },
);

test.each(['phone', 'laptop'] as const)(
  'a network that is gone for good at the %s ends in a sentence on both, and the next try links',
  async (gone) => {
    const [lost, other] = gone === 'phone' ? [phone, laptop] : [laptop, phone];
    await enter(phone, await show(laptop));
    await linkStep(phone, 'checking');
    await linkStep(laptop, 'confirming');
    lost.network.setUp(false);
    if (gone === 'phone') await confirmLink(laptop.db, (await linkStep(phone, 'checking')).checkCode);
    expect((await linkStep(lost, 'failed')).reason).toBe('offline');
    other.clockOffsetMs = 5 * 60_000;
    expect((await linkStep(other, 'failed')).reason).toMatch(/expired|ended|offline/);
    lost.network.setUp(true);
    lost.hurry();
    await link();
  },
);
