import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { KeyDirectory } from './key-directory.testing';
import type { CryptoMachine, OpenResult } from './types';

const conversationId = randomUUID();
let directory: KeyDirectory;
let alice: CryptoMachine;
let bob: CryptoMachine;

beforeEach(async () => {
  directory = new KeyDirectory();
  alice = await directory.join();
  bob = await directory.join();
});

async function say(from: CryptoMachine, to: CryptoMachine[], plaintext: string, rotate = false) {
  const recipientUserIds = [from, ...to].map((machine) => machine.userId);
  const sealed = await from.seal({ conversationId, recipientUserIds, plaintext, rotate });
  directory.deliver(from, sealed);
  await from.shared(sealed.shareIds);
  return sealed;
}

function read(machine: CryptoMachine, ciphertext: string, from: CryptoMachine): Promise<OpenResult> {
  const { userId: senderUserId, deviceId: senderDeviceId } = from;
  return machine.open({
    conversationId,
    messageId: randomUUID(),
    senderUserId,
    senderDeviceId,
    ciphertext,
    at: 1,
  });
}

test('two people who never met read each other', async () => {
  const hello = await say(alice, [bob], 'hello');
  expect(hello.ciphertext).not.toContain('hello');
  expect(await directory.fetch(bob)).toEqual([conversationId]);
  expect(await read(bob, hello.ciphertext, alice)).toEqual({ status: 'ok', plaintext: 'hello' });
  const back = await say(bob, [alice], 'and you');
  await directory.fetch(alice);
  expect(await read(alice, back.ciphertext, bob)).toEqual({ status: 'ok', plaintext: 'and you' });
});

test('the key travels once to each device of the others', async () => {
  const carol = await directory.join();
  const first = await say(alice, [bob, carol], 'one');
  expect(first.envelopes.map((envelope) => envelope.recipientDeviceId).sort()).toEqual(
    [bob.deviceId, carol.deviceId].sort(),
  );
  expect((await say(alice, [bob, carol], 'two')).envelopes).toEqual([]);
});

test('a key whose envelopes were not stored is handed out again', async () => {
  const sealing = {
    conversationId,
    recipientUserIds: [alice.userId, bob.userId],
    plaintext: 'a',
    rotate: false,
  };
  const lost = await alice.seal(sealing);
  const again = await alice.seal({ ...sealing, plaintext: 'b' });
  expect(again.envelopes.map((envelope) => envelope.recipientDeviceId)).toEqual([bob.deviceId]);
  expect(lost.shareIds).toEqual(again.shareIds);
});

test('a message that comes before its key waits for it', async () => {
  const { ciphertext } = await say(alice, [bob], 'early');
  expect(await read(bob, ciphertext, alice)).toEqual({ status: 'missing_key' });
  await directory.fetch(bob);
  expect(await read(bob, ciphertext, alice)).toMatchObject({ status: 'ok' });
});

test('one who was removed cannot read what comes after', async () => {
  const carol = await directory.join();
  await say(alice, [bob, carol], 'all three');
  await directory.fetch(carol);
  const after = await say(alice, [bob], 'without carol');
  expect(after.envelopes.map((envelope) => envelope.recipientDeviceId)).toEqual([bob.deviceId]);
  expect(await read(carol, after.ciphertext, alice)).toEqual({ status: 'missing_key' });
});

test('one who was added cannot read what came before', async () => {
  const before = await say(alice, [bob], 'before');
  const carol = await directory.join();
  const after = await say(alice, [bob, carol], 'after');
  await directory.fetch(carol);
  expect(await read(carol, before.ciphertext, alice)).toEqual({ status: 'missing_key' });
  expect(await read(carol, after.ciphertext, alice)).toMatchObject({ status: 'ok' });
});

test('a ghost device that its owner has not signed gets no key', async () => {
  const ghost = await directory.join();
  const ghostKeys = directory.entry(ghost.deviceId).keys.deviceKeys;
  directory.lie = (user) =>
    user.userId === bob.userId
      ? {
          ...user,
          devices: [
            ...user.devices,
            { deviceId: ghost.deviceId, deviceKeys: { ...ghostKeys, user_id: `@${bob.userId}:x` } },
          ],
        }
      : user;
  const sealed = await say(alice, [bob], 'secret');
  expect(sealed.envelopes.map((envelope) => envelope.recipientDeviceId)).toEqual([bob.deviceId]);
});

test('a swapped identity gets no key and is told of', async () => {
  await say(alice, [bob], 'before');
  const mallory = await directory.join(bob.userId);
  directory.lie = (user) => {
    if (user.userId !== bob.userId) return user;
    const { masterKey, selfSigningKey, deviceKeys } = directory.entry(mallory.deviceId).keys;
    return { ...user, masterKey, selfSigningKey, devices: [{ deviceId: mallory.deviceId, deviceKeys }] };
  };
  await alice.refresh([bob.userId]);
  const sealed = await say(alice, [bob], 'after');
  expect(sealed.envelopes).toEqual([]);
  expect(sealed.identityChanged).toEqual([bob.userId]);
});

test('a message under another sender’s name is not believed', async () => {
  const carol = await directory.join();
  const { ciphertext } = await say(alice, [bob, carol], 'from alice');
  await directory.fetch(bob);
  expect(await read(bob, ciphertext, carol)).toEqual({ status: 'untrusted' });
});

test('an envelope that comes twice does no harm', async () => {
  const sealed = await say(alice, [bob], 'hello');
  directory.deliver(alice, sealed);
  await directory.fetch(bob);
  directory.deliver(alice, sealed);
  await directory.fetch(bob);
  expect(await read(bob, sealed.ciphertext, alice)).toMatchObject({ status: 'ok' });
});

test('what is not a ciphertext is invalid', async () => {
  expect(await read(bob, 'not even JSON', alice)).toEqual({ status: 'invalid' });
  expect(await read(bob, '{"algorithm":"m.megolm.v1.aes-sha2"}', alice)).toEqual({ status: 'invalid' });
});

test('a call that the network failed can be made again', async () => {
  directory.failing = true;
  await expect(say(alice, [bob], 'lost')).rejects.toThrow('no network');
  directory.failing = false;
  const sealed = await say(alice, [bob], 'found');
  await directory.fetch(bob);
  expect(await read(bob, sealed.ciphertext, alice)).toMatchObject({ status: 'ok', plaintext: 'found' });
});

test('prekeys are topped up to what is missing, and not again and again', async () => {
  await say(alice, [bob], 'takes one of his keys');
  const { oneTimeKeys } = directory.entry(bob.deviceId);
  expect(oneTimeKeys.size).toBe(49);
  for (let time = 0; time < 3; time++) {
    await directory.fetch(bob);
    await bob.refresh([alice.userId]);
    await bob.receive([], null);
    expect(oneTimeKeys.size).toBe(50);
  }
});

test('a key that came in a call which the network failed is told by the next', async () => {
  await say(alice, [bob], 'first, so that he knows her');
  await directory.fetch(bob);
  const { ciphertext } = await say(alice, [bob], 'with a new key', true);
  // The upload that follows the envelope is what fails.
  directory.entry(bob.deviceId).oneTimeKeys.clear();
  directory.failing = true;
  await expect(directory.fetch(bob)).rejects.toThrow('no network');
  directory.failing = false;
  expect(await directory.fetch(bob)).toEqual([conversationId]);
  expect(await read(bob, ciphertext, alice)).toMatchObject({ status: 'ok' });
});

test('a key handed out again from a later message on, in the same fetch, does not take the place of the first', async () => {
  const first = await say(alice, [bob], 'one');
  // A session of Bob's own making: the library takes it for a sign that he lost hers, and shares again.
  await say(bob, [alice], 'meanwhile');
  await directory.fetch(alice);
  const second = await say(alice, [bob], 'two');
  expect(second.envelopes.map((envelope) => envelope.recipientDeviceId)).toEqual([bob.deviceId]);
  await directory.fetch(bob);
  expect(await read(bob, first.ciphertext, alice)).toMatchObject({ status: 'ok', plaintext: 'one' });
  expect(await read(bob, second.ciphertext, alice)).toMatchObject({ status: 'ok', plaintext: 'two' });
});

test('a sender key serves at most a thousand messages, and all of them can be read', async () => {
  const sealed = [];
  for (let index = 0; index <= 1_000; index++) sealed.push(await say(alice, [bob], `message ${index}`));
  await directory.fetch(bob);
  const withKey = sealed.flatMap((one, index) => (one.envelopes.length > 0 ? [index] : []));
  expect(withKey).toEqual([0, 1_000]);
  for (const index of [0, 1, 899, 900, 901, 999, 1_000])
    expect(await read(bob, sealed[index]?.ciphertext ?? '', alice)).toEqual({
      status: 'ok',
      plaintext: `message ${index}`,
    });
});
