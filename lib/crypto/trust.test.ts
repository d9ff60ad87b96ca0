import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { KeyDirectory } from './key-directory.testing';
import type { CryptoMachine, UserKeys } from './types';

const conversationId = randomUUID();
let directory: KeyDirectory;
let anna: CryptoMachine;
let bob: CryptoMachine;

beforeEach(async () => {
  directory = new KeyDirectory();
  anna = await directory.join();
  bob = await directory.join();
});

async function say(from: CryptoMachine, plaintext: string, at = 1) {
  const recipientUserIds = [anna.userId, bob.userId];
  const sealed = await from.seal({ conversationId, recipientUserIds, plaintext, rotate: true });
  directory.deliver(from, sealed);
  await from.shared(sealed.shareIds);
  return { ...sealed, from, at };
}
type Said = Awaited<ReturnType<typeof say>>;

const read = (machine: CryptoMachine, { ciphertext, from, at }: Said) =>
  machine.open({
    conversationId,
    messageId: randomUUID(),
    senderUserId: from.userId,
    senderDeviceId: from.deviceId,
    ciphertext,
    at,
  });

const recipients = (sealed: Said) => sealed.envelopes.map((envelope) => envelope.recipientDeviceId);
const news = (machine: CryptoMachine) => directory.news.get(machine.deviceId) ?? [];
const lies = (machine: CryptoMachine) => news(machine).flatMap((one) => one.lies);
const identity = (machine: CryptoMachine, userId: string) =>
  news(machine)
    .flatMap((one) => one.identities)
    .findLast((one) => one.userId === userId);

/** The server gives one account's keys for another's. */
/** @returns the attacker's device */
async function swap(userId: string): Promise<{ ghost: string }> {
  const other = await directory.join(userId);
  const { keys } = directory.entry(other.deviceId);
  directory.entries.pop();
  directory.lie = (user) =>
    user.userId === userId
      ? {
          ...user,
          masterKey: keys.masterKey,
          selfSigningKey: keys.selfSigningKey,
          devices: [{ deviceId: other.deviceId, deviceKeys: keys.deviceKeys }],
        }
      : user;
  return { ghost: other.deviceId };
}

test('a changed identity gets no key until a person has approved it, and is told', async () => {
  await say(bob, 'before');
  await swap(anna.userId);
  await bob.refresh([anna.userId]);
  const changed = await say(bob, 'to whom?');
  expect(changed.identityChanged).toEqual([anna.userId]);
  expect(recipients(changed)).toEqual([]);
  const { changedTo } = identity(bob, anna.userId) ?? {};
  expect(changedTo).toEqual(expect.any(String));
  expect(await bob.approveIdentity(anna.userId, 'another key', false)).toBeNull();
  expect(await bob.approveIdentity(anna.userId, String(changedTo), false)).toMatchObject({
    masterKey: changedTo,
    verification: null,
  });
  expect(identity(bob, anna.userId)).toMatchObject({ masterKey: changedTo, changedTo: null });
  expect((await say(bob, 'after')).identityChanged).toEqual([]);
});

test('a verified identity stays verified on other devices of the account, and its change stops all', async () => {
  await say(bob, 'before');
  const masterKey = String(identity(bob, anna.userId)?.masterKey);
  const verified = await bob.approveIdentity(anna.userId, masterKey, true);
  expect(verified?.verification).not.toBeNull();
  const tablet = await directory.link(bob);
  if (verified) await tablet.learnIdentity(verified);
  expect(recipients(await say(tablet, 'hello'))).toContain(anna.deviceId);
  await swap(anna.userId);
  for (const machine of [bob, tablet]) {
    await machine.refresh([anna.userId]);
    expect((await say(machine, 'to whom?')).identityChanged).toEqual([anna.userId]);
    expect(identity(machine, anna.userId)).toMatchObject({ masterKey, changedTo: expect.any(String) });
  }
  const changedTo = String(identity(bob, anna.userId)?.changedTo);
  await bob.approveIdentity(anna.userId, changedTo, false);
  expect((await say(bob, 'after all')).identityChanged).toEqual([]);
});

test('an identity that comes back as it was needs no approval', async () => {
  await say(bob, 'before');
  await swap(anna.userId);
  await bob.refresh([anna.userId]);
  directory.lie = (user) => user;
  await bob.refresh([anna.userId]);
  expect(identity(bob, anna.userId)?.changedTo).toBeNull();
  expect(recipients(await say(bob, 'after'))).toContain(anna.deviceId);
});

test('another identity of its own account is not taken in, and is told, and the rest goes on', async () => {
  const phone = await directory.link(anna);
  await say(anna, 'before');
  const { ghost } = await swap(anna.userId);
  await anna.refresh([anna.userId]);
  expect(identity(anna, anna.userId)?.changedTo).toEqual(expect.any(String));
  expect(recipients(await say(anna, 'meanwhile'))).not.toContain(ghost);
  await directory.fetch(anna);
  expect((await anna.exportSecrets()).masterKey).toBe(identity(anna, anna.userId)?.masterKey);
  directory.lie = (user) => user;
  await anna.refresh([anna.userId]);
  expect(identity(anna, anna.userId)?.changedTo).toBeNull();
  expect(recipients(await say(anna, 'to all'))).toContain(phone.deviceId);
  expect(recipients(await say(anna, 'after'))).toContain(bob.deviceId);
});

test('a device that was shut out gets no key when the server lists it again, and what it says is not shown', async () => {
  const phone = await directory.link(anna);
  await say(bob, 'to both');
  await directory.fetch(phone);
  const before = await say(phone, 'still mine', 5);
  directory.revocations.push(await anna.revokeDevice(phone.deviceId, 10));
  for (const machine of [anna, bob]) {
    await machine.refresh([anna.userId]);
    expect(await machine.revocationOf(anna.userId, phone.deviceId)).toMatchObject({ at: 10 });
    expect(recipients(await say(machine, 'not for the phone'))).not.toContain(phone.deviceId);
    expect(lies(machine)).toContainEqual({
      kind: 'relisted',
      userId: anna.userId,
      deviceId: phone.deviceId,
    });
  }
  // Nor when the server tells of no revocation any more.
  directory.revocations.length = 0;
  await bob.refresh([anna.userId]);
  expect(recipients(await say(bob, 'nor now'))).not.toContain(phone.deviceId);
  const after = await say(phone, 'a thief', 11);
  await directory.fetch(bob);
  expect(await read(bob, before)).toEqual({ status: 'ok', plaintext: 'still mine' });
  expect(await read(bob, after)).toEqual({ status: 'revoked' });
});

test('what others have written into the ledger counts once it is read anew', async () => {
  const phone = await directory.link(anna);
  const revocation = await anna.revokeDevice(phone.deviceId, 10);
  expect(recipients(await say(bob, 'to both'))).toContain(phone.deviceId);
  directory.written = { identities: [], revocations: [revocation] };
  await bob.readLedger();
  expect(recipients(await say(bob, 'not for the phone'))).not.toContain(phone.deviceId);
  const known = { userId: anna.userId, masterKey: 'as it was before', verification: null };
  directory.written = { identities: [known], revocations: [] };
  await bob.readLedger();
  const changed = await say(bob, 'to whom?');
  expect(changed.identityChanged).toEqual([anna.userId]);
  expect(recipients(changed)).toEqual([]);
});

test('what a device said before it was shut out is read by one who was away meanwhile', async () => {
  await say(bob, 'hello');
  await directory.fetch(anna);
  const phone = await directory.link(anna);
  const before = await say(phone, 'from the train', 5);
  directory.revocations.push(await anna.revokeDevice(phone.deviceId, 10));
  directory.entries.splice(directory.entries.indexOf(directory.entry(phone.deviceId)), 1);
  await bob.refresh([anna.userId]);
  await directory.fetch(bob);
  expect(await read(bob, before)).toEqual({ status: 'ok', plaintext: 'from the train' });
});

test('a revocation that the account’s master key has not signed is nobody’s', async () => {
  const phone = await directory.link(anna);
  const said = await bob.revokeDevice(phone.deviceId, 10);
  await say(bob, 'hello');
  directory.revocations.push(
    { ...said, userId: anna.userId },
    { ...said, userId: anna.userId, signature: 'A' },
  );
  await bob.refresh([anna.userId]);
  expect(recipients(await say(bob, 'to both'))).toContain(phone.deviceId);
  await bob.learnRevocations(anna.userId, [said]);
  expect(await bob.revocationOf(anna.userId, phone.deviceId)).toBeUndefined();
});

test('a device that its owner has not signed, and one that is kept from us, are told', async () => {
  const phone = await directory.link(anna);
  await say(bob, 'to both');
  const ghost = await directory.join(anna.userId);
  directory.lie = (user: UserKeys) => ({
    ...user,
    devices: user.devices.filter((device) => device.deviceId !== phone.deviceId),
  });
  await bob.refresh([anna.userId]);
  expect(recipients(await say(bob, 'to one'))).not.toContain(ghost.deviceId);
  const { userId } = anna;
  expect(lies(bob)).toContainEqual({ kind: 'unsigned', userId, deviceId: ghost.deviceId });
  expect(lies(bob)).toContainEqual({ kind: 'withheld', userId, deviceId: phone.deviceId });
});

test('a note reaches the account’s other devices, and no one else’s is believed', async () => {
  const phone = await directory.link(anna);
  const { envelopes } = await anna.sealNote('read up to 7');
  expect(envelopes.map((one) => one.recipientDeviceId)).toEqual([phone.deviceId]);
  const feed = (machine: CryptoMachine, from: CryptoMachine, sent: typeof envelopes) =>
    machine.receive(
      sent.map((one) => ({ ...one, senderUserId: from.userId, senderDeviceId: from.deviceId })),
      null,
    );
  expect((await feed(phone, anna, envelopes)).notes).toEqual(['read up to 7']);
  // The same bytes again say the same again.
  expect((await feed(phone, anna, envelopes)).notes).toEqual(['read up to 7']);
  // Bert's word under Anna's name, or under his own, is none.
  const bobs = await directory.link(bob);
  const { envelopes: strange } = await bob.sealNote('read up to 99');
  const sent = strange.map((one) => ({ ...one, recipientDeviceId: phone.deviceId }));
  expect((await feed(phone, anna, sent)).notes).toEqual([]);
  expect((await feed(phone, bob, sent)).notes).toEqual([]);
  expect((await feed(bobs, bob, strange)).notes).toEqual(['read up to 99']);
  directory.revocations.push(await anna.revokeDevice(phone.deviceId, 10));
  const { envelopes: late } = await phone.sealNote('from a thief');
  expect((await feed(anna, phone, late)).notes).toEqual([]);
  expect((await anna.sealNote('not for it')).envelopes).toEqual([]);
});

test('a note is read before it has come as an envelope, if its key is here and its device is not shut out', async () => {
  const phone = await directory.link(anna);
  const from = (
    machine: CryptoMachine,
    { envelopes: [envelope] }: { envelopes: { type: string; content: string }[] },
  ) => ({
    senderUserId: machine.userId,
    senderDeviceId: machine.deviceId,
    type: envelope?.type ?? '',
    content: envelope?.content ?? '',
  });
  const first = await anna.sealNote('one');
  expect(await phone.openNote(from(anna, first))).toBeNull();
  expect((await phone.receive([from(anna, first)], null)).notes).toEqual(['one']);
  await anna.shared(first.shareIds);
  const second = from(anna, await anna.sealNote('two'));
  expect(await phone.openNote(second)).toBe('two');
  expect((await phone.receive([second], null)).notes).toEqual(['two']);
  expect(await phone.openNote({ ...second, type: 'm.room.encrypted' })).toBeNull();
  expect(await phone.openNote({ ...second, content: 'no note' })).toBeNull();
  for (const senderUserId of [bob.userId, randomUUID()])
    expect(await phone.openNote({ ...second, senderUserId })).toBeNull();
  expect(await phone.openNote({ ...second, senderDeviceId: bob.deviceId })).toBeNull();
  const third = from(anna, await anna.sealNote('three'));
  expect(await phone.openNote(third)).toBe('three');
  // It is shut out before the envelope comes.
  await phone.revokeDevice(anna.deviceId, 10);
  expect((await phone.receive([third], null)).notes).toEqual([]);
});

test('a note of some time ago may be sent as long as all who are to have it can read it', async () => {
  const phone = await directory.link(anna);
  const first = await anna.sealNote('one');
  expect(anna.maySend(first)).toBe(false);
  await anna.shared(first.shareIds);
  const ready = await anna.sealNote('two');
  expect(anna.maySend(ready)).toBe(true);
  const { envelopes } = await phone.sealNote('a key');
  const from = { senderUserId: phone.userId, senderDeviceId: phone.deviceId };
  // One that is being encrypted, and one that lies there, when a session is begun anew.
  const between = anna.sealNote('three');
  const received = anna.receive(
    envelopes.map(({ type, content }) => ({ ...from, type, content })),
    null,
  );
  expect(anna.maySend(ready)).toBe(false);
  expect(anna.maySend(await between)).toBe(false);
  await received;
  const after = await anna.sealNote('four');
  await anna.shared(after.shareIds);
  for (const one of [ready, await between]) expect(anna.maySend(one)).toBe(false);
  const later = await anna.sealNote('five');
  expect(anna.maySend(later)).toBe(true);
  await anna.revokeDevice(phone.deviceId, 10);
  expect(anna.maySend(later)).toBe(false);
});

test('the key of notes is given once, given again until it has arrived, and another one after a removal', async () => {
  const phone = await directory.link(anna);
  const tablet = await directory.link(anna);
  const sizes = (sealed: { envelopes: { content: string }[] }) =>
    sealed.envelopes.map((one) => (one.content.includes('"key"') ? 'key' : 'note'));
  const first = await anna.sealNote('one');
  expect(sizes(first)).toEqual(['key', 'key']);
  // The server has refused it: nobody has the key.
  const again = await anna.sealNote('one');
  expect(sizes(again)).toEqual(['key', 'key']);
  await anna.shared(again.shareIds);
  expect(sizes(await anna.sealNote('two'))).toEqual(['note', 'note']);
  directory.revocations.push(await anna.revokeDevice(tablet.deviceId, 10));
  const after = await anna.sealNote('three');
  expect(sizes(after)).toEqual(['key']);
  expect(after.envelopes[0]?.recipientDeviceId).toBe(phone.deviceId);
});
