import { afterEach, beforeEach, expect, test } from 'vitest';
import { setAlertSettings, wishPush } from '../lib/client/alert-intents';
import { createApi } from '../lib/client/api';
import { removeDevice } from '../lib/client/device-intents';
import { sendText } from '../lib/client/intents';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';
import { PushService } from './push-service';

let town: Town;
let service: PushService;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  service = await PushService.open();
  ({ town, anna, bert, conversationId } = await Town.pair());
  await setAlertSettings(anna.author, { on: true });
});
afterEach(async () => {
  await town.close();
  await service.close();
});

const told = (device: TestDevice) =>
  device.until(
    async () => ((await device.db.readMeta('push'))?.told ? true : undefined),
    'the server to know',
  );

async function subscribed(device: TestDevice, name: string): Promise<void> {
  await wishPush(device.author, service.subscription(name));
  await told(device);
}

test('a device that is away is woken with a signed, encrypted push that says nothing', async () => {
  await subscribed(anna, 'anna');
  const { publicKey } = await createApi('', anna.network.fetch).push.key.query();
  await anna.stop();
  await sendText(bert.author, conversationId, 'a secret');
  const [push] = await service.arrived(1);
  expect(push?.path).toBe('/anna');
  expect(push?.text).toBe('{"v":1}');
  expect(push?.headers).toMatchObject({
    'content-encoding': 'aes128gcm',
    urgency: 'high',
    topic: 'news',
    ttl: String(7 * 24 * 3600),
  });
  expect(push?.vapid).toMatchObject({ publicKey, audience: service.origin });
  expect(push?.vapid.subject).toMatch(/^(https:|mailto:)/);
  expect(push?.vapid.expiresAt).toBeGreaterThan(Date.now());
  expect(push?.vapid.expiresAt).toBeLessThan(Date.now() + 24 * 3_600_000);
});

test('who is connected is not woken; who has just gone is, once for many messages', async () => {
  await subscribed(anna, 'anna');
  await subscribed(bert, 'bert');
  await sendText(bert.author, conversationId, 'while you are here');
  await body(anna, 'while you are here');
  await bert.stop();
  await sendText(anna.author, conversationId, 'are you away?');
  // Bert's push shows that the look at who is to be woken has been: Anna was in it, and was passed over.
  expect((await service.arrived(1)).map((push) => push.path)).toEqual(['/bert']);
  await anna.stop();
  bert.start();
  await body(bert, 'are you away?');
  for (let index = 0; index < 30; index++) await sendText(bert.author, conversationId, `message ${index}`);
  expect((await service.arrived(2)).map((push) => push.path)).toEqual(['/bert', '/anna']);
});

test('an address that the push service has forgotten is not called again, and a new one is', async () => {
  await subscribed(anna, 'old');
  await anna.stop();
  service.answers.push(410);
  await sendText(bert.author, conversationId, 'one');
  await service.arrived(1);
  anna.start();
  await subscribed(anna, 'new');
  await anna.stop();
  await sendText(bert.author, conversationId, 'two');
  expect((await service.arrived(2)).map((push) => push.path)).toEqual(['/old', '/new']);
});

test('a device that was removed is woken no more', async () => {
  const phone = await town.linked(anna);
  await subscribed(phone, 'phone');
  await subscribed(anna, 'anna');
  await phone.stop();
  const session = await phone.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('the phone is not signed in');
  await removeDevice(anna.author, { deviceId: session.deviceId, name: 'Phone' });
  await anna.until(async () => {
    const removal = await anna.db.removals.get(session.deviceId);
    return removal && removal.state !== 'wished' ? true : undefined;
  }, 'the removal');
  await anna.stop();
  await sendText(bert.author, conversationId, 'only for one');
  expect((await service.arrived(1)).map((push) => push.path)).toEqual(['/anna']);
});

test('a device that is away is woken when another of its account is linked, and when one is removed', async () => {
  const phone = await town.linked(anna);
  await subscribed(phone, 'phone');
  await phone.until(() => phone.db.readMeta('devices'), 'what devices there are');
  await phone.stop();
  const tablet = await town.linked(anna);
  expect((await service.arrived(1)).map((push) => push.path)).toEqual(['/phone']);
  phone.start();
  await phone.until(
    async () => ((await phone.db.readMeta('deviceNews'))?.length ? true : undefined),
    'the news',
  );
  await phone.stop();
  const session = await tablet.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('the tablet is not signed in');
  await removeDevice(anna.author, { deviceId: session.deviceId, name: 'Tablet' });
  expect((await service.arrived(2)).map((push) => push.path)).toEqual(['/phone', '/phone']);
});
