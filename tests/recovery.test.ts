import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDevice } from '../lib/client/device-intents';
import { saveDraft, sendText } from '../lib/client/intents';
import { keepRecoveryKey, recoverAccount } from '../lib/client/recovery-intents';
import { newRecoveryKey } from '../lib/crypto/recovery';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

let town: Town;
beforeEach(async () => {
  town = await Town.open();
});
afterEach(() => town.close());

const random = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);
const lost = { deviceName: 'New phone', deviceType: 'MOBILE' as const };

async function withKey(device: TestDevice): Promise<string> {
  const key = await newRecoveryKey(random);
  await keepRecoveryKey(device.author, key);
  await device.until(
    async () => ((await device.db.readMeta('recovery'))?.state === 'stored' ? true : undefined),
    'a stored recovery',
  );
  return key;
}

const sessionOf = (device: TestDevice, wanted: string) =>
  device.until(async () => {
    const session = await device.db.readMeta('session');
    if (session?.state === wanted) return session;
    if (session?.state === 'recovery_failed') throw new Error(`failed: ${session.code} ${device.log}`);
    return undefined;
  }, wanted);

test('with all devices lost, the recovery key brings identity, contacts, conversations and history back', async () => {
  const [anna, bert] = [await town.person('anna'), await town.person('bert')];
  const conversationId = await town.contacts(anna, bert);
  for (const text of ['one', 'two', 'three']) await sendText(bert.author, conversationId, text);
  await sendText(anna.author, conversationId, 'my answer');
  for (const text of ['three', 'my answer']) for (const device of [anna, bert]) await body(device, text);
  await saveDraft(anna.author, conversationId, 'unfinished');
  const key = await withKey(anna);
  expect(JSON.stringify(await anna.db.meta.toArray())).not.toContain(key.slice(0, 9));
  const before = await bert.db.identities.toArray();
  await anna.stop();

  const phone = town.device();
  await recoverAccount(phone.author, { handle: 'anna', key: key.toLowerCase(), ...lost });
  expect(await sessionOf(phone, 'signed_in')).toMatchObject({ handle: 'anna' });
  for (const text of ['one', 'two', 'three', 'my answer']) await body(phone, text);
  expect((await phone.db.people.toArray()).map((person) => person.handle)).toContain('bert');
  await sendText(bert.author, conversationId, 'are you back?');
  await body(phone, 'are you back?');
  await sendText(phone.author, conversationId, 'I am');
  await body(bert, 'I am');
  // It is the same identity: nobody has to approve anything.
  expect(await bert.db.identities.toArray()).toEqual(before);

  const old = await anna.db.readMeta('session');
  if (old?.state === 'signed_in') await removeDevice(phone.author, { deviceId: old.deviceId, name: 'Lost' });
  anna.start();
  await anna.until(
    async () => ((await anna.db.readMeta('session'))?.state === 'ended' ? true : undefined),
    'the end of the lost device',
  );
});

test('a wrong key, and a handle without one, end with a sentence and change nothing', async () => {
  const anna = await town.person('anna');
  await town.person('bert');
  const key = await withKey(anna);
  const failed = async (handle: string, typed: string) => {
    const phone = town.device();
    await recoverAccount(phone.author, { handle, key: typed, ...lost });
    return phone.until(async () => {
      const session = await phone.db.readMeta('session');
      return session?.state === 'recovery_failed' ? session.code : undefined;
    }, 'the refusal');
  };
  expect(await failed('anna', await newRecoveryKey(random))).toBe('wrong_recovery_key');
  expect(await failed('anna', key.slice(0, -1))).toBe('wrong_recovery_key');
  expect(await failed('bert', key)).toBe('wrong_recovery_key');
});

test('a recovery key that could not be stored while the connection lives is stored a little later', async () => {
  const anna = await town.person('anna');
  let failures = 0;
  anna.network.fails = (url) => url.includes('recovery.store') && failures++ < 3;
  await withKey(anna);
  expect(failures).toBeGreaterThan(3);
  expect(anna.network.opened).toBe(1);
});
