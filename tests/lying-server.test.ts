import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDevice } from '../lib/client/device-intents';
import { sendText } from '../lib/client/intents';
import { confirmLink, enterLinkCode, showLinkCode } from '../lib/client/link-intents';
import { decideIdentity } from '../lib/client/trust-intents';
import { KeyDirectory } from '../lib/crypto/key-directory.testing';
import type { UserKeys } from '../lib/protocol/keys';
import type { TestDevice } from './device';
import { LyingServer } from './lying-server';
import { body, linkStep, Town } from './own-devices';

let town: Town;
let liar: LyingServer;
let anna: TestDevice;
let phone: TestDevice;
/** Sees the server through the liar's eyes. */
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  town = await Town.open();
  liar = await LyingServer.before(town.server.origin);
  anna = await town.person('anna');
  phone = await town.linked(anna);
  bert = await town.person('bert', () => liar.origin);
  conversationId = await town.contacts(anna, bert);
  await sendText(anna.author, conversationId, 'hello');
  await body(bert, 'hello');
  await sendText(bert.author, conversationId, 'good day');
  for (const device of [anna, phone]) await body(device, 'good day');
});
afterEach(async () => {
  await town.close();
  await liar.close();
});

const me = async (device: TestDevice) => {
  const session = await device.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in');
  return session;
};

/** Changes what the server tells of a user's keys, and has bert look again. */
async function lieAbout(userId: string, lie: (user: UserKeys) => UserKeys): Promise<void> {
  liar.lies.set('devices.keys', (users) =>
    (users as UserKeys[]).map((user) => (user.userId === userId ? lie(user) : user)),
  );
  // A linked device changes every roster: whoever is in one asks for the keys anew.
  await town.linked(anna);
}

const told = (kind: string) =>
  bert.until(
    async () => (await bert.db.readMeta('lies'))?.find((lie) => lie.kind === kind),
    `word of ${kind}`,
    30_000,
  );

/** Keys of a device and an account that the attacker has made under another's name. */
async function forged(userId: string) {
  const directory = new KeyDirectory();
  const machine = await directory.join(userId);
  const { keys, deviceId } = directory.entry(machine.deviceId);
  return { deviceId, keys: keys as unknown as Record<keyof typeof keys, never> };
}

test('a ghost device gets no key, and the person is told', async () => {
  const { userId } = await me(anna);
  const { deviceId, keys } = await forged(userId);
  const ghost = { deviceId, deviceKeys: keys.deviceKeys };
  await lieAbout(userId, (user) => ({ ...user, devices: [...user.devices, ghost] }));
  liar.lies.set('devices.bundles', (bundles, input) => {
    const asked = (input as { devices: { deviceId: string }[] }).devices.some(
      (one) => one.deviceId === deviceId,
    );
    const [keyId, key] = Object.entries<never>(keys.oneTimeKeys)[0] ?? [];
    return asked ? [...(bundles as object[]), { userId, deviceId, keyId, key }] : bundles;
  });
  await sendText(bert.author, conversationId, 'for the two of us');
  await body(anna, 'for the two of us');
  expect(liar.recipients()).not.toContain(deviceId);
  expect(await told('unsigned')).toMatchObject({ userId, deviceId });
});

test('a swapped identity gets no key: what is written waits until a person has decided', async () => {
  const { userId } = await me(anna);
  const { deviceId, keys } = await forged(userId);
  const { masterKey, selfSigningKey, deviceKeys } = keys;
  await lieAbout(userId, (user) => ({
    ...user,
    masterKey,
    selfSigningKey,
    devices: [{ deviceId, deviceKeys }],
  }));
  await sendText(bert.author, conversationId, 'who are you?');
  const changed = await bert.until(async () => {
    const known = await bert.db.identities.get(userId);
    return known?.changedTo ? known : undefined;
  }, 'the changed identity');
  expect(await bert.db.messages.filter((row) => row.body === 'who are you?').first()).toMatchObject({
    status: 'queued',
  });
  // A decision about another key than the one that is told now changes nothing.
  await decideIdentity(bert.author, { userId, masterKey: 'another', verify: true });
  await bert.until(async () => ((await bert.db.decisions.count()) === 0 ? true : undefined), 'the decision');
  expect(await bert.db.identities.get(userId)).toEqual(changed);
  expect(liar.recipients()).not.toContain(deviceId);
  // The server tells the truth again: it goes out by itself.
  liar.lies.clear();
  await town.linked(anna);
  await body(anna, 'who are you?');
});

test('who is told another identity of their own account goes on reading and writing, and is told so', async () => {
  const { userId } = await me(bert);
  const { keys } = await forged(userId);
  const { masterKey, selfSigningKey } = keys;
  liar.lies.set('devices.keys', (users) =>
    (users as UserKeys[]).map((user) =>
      user.userId === userId ? { ...user, masterKey, selfSigningKey } : user,
    ),
  );
  // One's own keys are asked for when a device is linked.
  await town.linked(bert);
  await bert.until(async () => (await bert.db.identities.get(userId))?.changedTo ?? undefined, 'word of it');
  await sendText(anna.author, conversationId, 'are you still you?');
  await body(bert, 'are you still you?');
  await sendText(bert.author, conversationId, 'I am');
  await body(anna, 'I am');
});

test('a removed device that the server lists again gets no key, and its word is not shown', async () => {
  const { userId } = await me(anna);
  const lost = await me(phone);
  let kept: UserKeys['devices'] = [];
  liar.lies.set('devices.keys', (users) => {
    for (const user of users as UserKeys[]) {
      const listed = user.devices.filter((device) => device.deviceId === lost.deviceId);
      if (user.userId === userId && listed.length > 0) kept = listed;
      else if (user.userId === userId) user.devices.push(...kept);
    }
    return users;
  });
  await town.linked(anna);
  await sendText(bert.author, conversationId, 'still for all three');
  await body(phone, 'still for all three');
  await removeDevice(anna.author, { deviceId: lost.deviceId, name: 'Phone' });
  expect(await told('relisted')).toMatchObject({ deviceId: lost.deviceId });
  liar.frames.length = 0;
  await sendText(bert.author, conversationId, 'not for a thief');
  await body(anna, 'not for a thief');
  expect(liar.recipients()).not.toContain(lost.deviceId);
});

test('a removal that the server keeps to itself comes with the next message of its owner', async () => {
  const { userId } = await me(anna);
  const lost = await me(phone);
  let kept: UserKeys['devices'] = [];
  liar.lies.set('devices.keys', (users) => {
    for (const user of users as UserKeys[]) {
      user.revocations = [];
      const listed = user.devices.filter((device) => device.deviceId === lost.deviceId);
      if (user.userId === userId && listed.length > 0) kept = listed;
      else if (user.userId === userId) user.devices.push(...kept);
    }
    return users;
  });
  await town.linked(anna);
  await removeDevice(anna.author, { deviceId: lost.deviceId, name: 'Phone' });
  await anna.until(() => anna.db.revocations.get(lost.deviceId), 'the revocation');
  await sendText(anna.author, conversationId, 'I lost my phone');
  await body(bert, 'I lost my phone');
  expect(await bert.db.revocations.get(lost.deviceId)).toMatchObject({ userId });
  liar.frames.length = 0;
  await sendText(bert.author, conversationId, 'sorry to hear');
  await body(anna, 'sorry to hear');
  expect(liar.recipients()).not.toContain(lost.deviceId);
});

test('a device that the server keeps from us is told', async () => {
  const { userId } = await me(anna);
  const hidden = await me(phone);
  await lieAbout(userId, (user) => ({
    ...user,
    devices: user.devices.filter((device) => device.deviceId !== hidden.deviceId),
  }));
  expect(await told('withheld')).toMatchObject({ userId, deviceId: hidden.deviceId });
});

test('a claim that is answered with another’s key gives that one nothing, and the message waits', async () => {
  const { userId } = await me(anna);
  const { keys } = await forged(userId);
  const [, key] = Object.entries<never>(keys.oneTimeKeys)[0] ?? [];
  liar.lies.set('devices.bundles', (bundles) => (bundles as object[]).map((bundle) => ({ ...bundle, key })));
  const clara = await town.person('clara', () => liar.origin);
  const other = await town.contacts(clara, anna);
  liar.frames.length = 0;
  await sendText(clara.author, other, 'is that you?');
  await clara.until(
    async () =>
      clara.log.filter((line) => line.includes('could not be reached')).length > 0 ? true : undefined,
    'the refusal',
  );
  expect(liar.recipients()).toEqual([]);
  expect(await clara.db.messages.filter((row) => row.body === 'is that you?').first()).toMatchObject({
    status: 'queued',
  });
  liar.lies.clear();
  await body(anna, 'is that you?');
});

test('a rendezvous that is played again links nothing', async () => {
  const heard: unknown[] = [];
  liar.lies.set('linking.read', (answer) => {
    heard.push(...(answer as { messages: unknown[] }).messages);
    return answer;
  });
  const second = town.device(() => liar.origin);
  await showLinkCode(bert.db, { name: 'Old', kind: 'DESKTOP' });
  const { code } = await linkStep(bert, 'showing');
  await enterLinkCode(second.db, code, { name: 'New', kind: 'MOBILE' });
  const { checkCode } = await linkStep(second, 'checking');
  await linkStep(bert, 'confirming');
  await confirmLink(bert.db, checkCode);
  await linkStep(second, 'done');
  await linkStep(bert, 'done');
  const devices = (await bert.db.readMeta('devices'))?.deviceIds.length;
  liar.lies.set('linking.read', (answer) => ({ ...(answer as object), messages: heard }));
  const third = town.device(() => liar.origin);
  await showLinkCode(bert.db, { name: 'Old', kind: 'DESKTOP' });
  await enterLinkCode(third.db, (await linkStep(bert, 'showing')).code, { name: 'New', kind: 'MOBILE' });
  for (const device of [bert, third])
    expect((await linkStep(device, 'failed')).reason).toMatch(/refused|ended|mismatch|expired/);
  expect((await bert.db.readMeta('devices'))?.deviceIds.length).toBe(devices);
});

test('other keys than the new device told are not signed', async () => {
  const { userId } = await me(bert);
  const { keys } = await forged(userId);
  liar.lies.set('devices.pending', () => keys.deviceKeys);
  const second = town.device(() => liar.origin);
  await showLinkCode(bert.db, { name: 'Old', kind: 'DESKTOP' });
  await enterLinkCode(second.db, (await linkStep(bert, 'showing')).code, { name: 'New', kind: 'MOBILE' });
  const { checkCode } = await linkStep(second, 'checking');
  await linkStep(bert, 'confirming');
  await confirmLink(bert.db, checkCode);
  expect(await linkStep(bert, 'failed')).toMatchObject({ reason: 'mismatch' });
  await linkStep(second, 'failed');
  expect((await second.db.readMeta('session'))?.state).not.toBe('signed_in');
});
