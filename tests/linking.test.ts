import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { accept, markRead, sendText, startDirect } from '../lib/client/intents';
import { cancelLink, confirmLink, enterLinkCode, showLinkCode } from '../lib/client/link-intents';
import type { LinkState } from '../lib/client/link-state';
import { noRates } from '../server/limiter';
import { type RunningServer, startServer } from '../server/start';
import { TestDevice } from './device';
import { dice } from './dice';

let folder: string;
let server: RunningServer;
let laptop: TestDevice;
let phone: TestDevice;
let bert: TestDevice;
let conversationId: string;
const phoneName = { name: 'Phone', kind: 'MOBILE' as const };
const laptopName = { name: 'Laptop', kind: 'DESKTOP' as const };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aparte-linking-'));
  server = await startServer({ port: 0, dataDir: folder, logLevel: 'error', rates: noRates });
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

function step<S extends LinkState['step']>(device: TestDevice, wanted: S) {
  return device.until(
    async () => {
      const link = await device.db.readMeta('link');
      if (link?.step === wanted) return link as Extract<LinkState, { step: S }>;
      if (link?.step === 'failed' && wanted !== 'failed')
        throw new Error(`failed: ${link.reason} ${device.log}`);
      return undefined;
    },
    wanted,
    30_000,
  );
}

async function show(device: TestDevice): Promise<string> {
  await showLinkCode(device.db, device === phone ? phoneName : laptopName);
  return (await step(device, 'showing')).code;
}

const enter = (device: TestDevice, code: string) =>
  enterLinkCode(device.db, code, device === phone ? phoneName : laptopName);

async function confirmed(): Promise<void> {
  const { checkCode } = await step(phone, 'checking');
  expect(await step(laptop, 'confirming')).toMatchObject({ name: 'Phone', kind: 'MOBILE' });
  await confirmLink(laptop.db, checkCode);
}

async function link(): Promise<void> {
  await enter(phone, await show(laptop));
  await confirmed();
  await step(phone, 'done');
  await step(laptop, 'done');
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
  expect(row.historySeq).toBeGreaterThan(0);
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

test('the new device may be the one that shows the code', async () => {
  await sendText(laptop.author, conversationId, 'before');
  await body(bert, 'before');
  await enter(laptop, await show(phone));
  await confirmed();
  await step(phone, 'done');
  await body(phone, 'before');
});

test('wrong digits link nothing', async () => {
  await enter(phone, await show(laptop));
  const { checkCode } = await step(phone, 'checking');
  await step(laptop, 'confirming');
  await confirmLink(laptop.db, checkCode === '11' ? '12' : '11');
  expect(await step(laptop, 'failed')).toMatchObject({ reason: 'wrong_check' });
  expect(await step(phone, 'failed')).toMatchObject({ reason: 'wrong_check' });
  expect((await phone.db.readMeta('session'))?.state).not.toBe('signed_in');
});

test('cancelled on either side, it ends on both with a reason', async () => {
  await enter(phone, await show(laptop));
  await step(phone, 'checking');
  await cancelLink(phone.db);
  expect(await step(laptop, 'failed')).toMatchObject({ reason: 'ended' });
  expect(await step(phone, 'failed')).toMatchObject({ reason: 'cancelled' });
  await enter(phone, await show(laptop));
  await step(laptop, 'confirming');
  await cancelLink(laptop.db);
  expect(await step(phone, 'failed')).toMatchObject({ reason: 'ended' });
});

test('a code that was used, is none, or is of the same side links nothing', async () => {
  const code = await show(laptop);
  await enter(bert, code);
  expect(await step(bert, 'failed')).toMatchObject({ reason: 'same_side' });
  await enter(phone, 'HELLO');
  expect(await step(phone, 'failed')).toMatchObject({ reason: 'wrong_code' });
  const other = code.endsWith('0') ? '1' : '0';
  await enter(phone, `${code.slice(0, -1)}${other}`);
  expect(await step(phone, 'failed')).toMatchObject({ reason: 'wrong_code' });
  await enter(phone, code);
  await confirmed();
  await step(phone, 'done');
  const late = new TestDevice(() => server.origin, dice(9));
  late.start();
  await enter(late, code);
  expect((await step(late, 'failed')).reason).toMatch(/used|expired/);
  await late.close();
});

test('an engine that is restarted in the middle says so, and the next try links', async () => {
  await enter(phone, await show(laptop));
  await step(phone, 'checking');
  await phone.stop();
  phone.start();
  expect(await step(phone, 'failed')).toMatchObject({ reason: 'interrupted' });
  await step(laptop, 'failed');
  await link();
});
