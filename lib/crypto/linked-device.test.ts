import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { joinChannel, offerChannel } from './channel';
import { KeyDirectory } from './key-directory.testing';
import { type CryptoMachine, IdentityMismatch } from './types';

const conversationId = randomUUID();
let directory: KeyDirectory;
let laptop: CryptoMachine;
let bob: CryptoMachine;

beforeEach(async () => {
  directory = new KeyDirectory();
  laptop = await directory.join();
  bob = await directory.join();
});

async function say(from: CryptoMachine, plaintext: string) {
  const recipientUserIds = [laptop.userId, bob.userId];
  const sealed = await from.seal({ conversationId, recipientUserIds, plaintext, rotate: false });
  directory.deliver(from, sealed);
  await from.shared(sealed.shareIds);
  return { ...sealed, from };
}

const read = (machine: CryptoMachine, { ciphertext, from }: { ciphertext: string; from: CryptoMachine }) =>
  machine.open({
    conversationId,
    messageId: randomUUID(),
    senderUserId: from.userId,
    senderDeviceId: from.deviceId,
    ciphertext,
    at: 1,
  });

async function backUp(machine: CryptoMachine): Promise<string[]> {
  const pages: string[] = [];
  for (;;) {
    const next = await machine.nextBackupPage(randomUUID());
    if (!next) return pages;
    pages.push(next.page);
    await machine.backupPageStored(next.requestId);
  }
}

/** Linked after bob has said something, with the keys of the backup. */
async function phoneWithHistory() {
  const fromBob = await say(bob, 'from bob');
  await directory.fetch(laptop);
  const pages = await backUp(laptop);
  const phone = await directory.link(laptop);
  for (const page of pages) await phone.importBackupPage(page);
  return { phone, fromBob };
}

test('a linked device gets the keys of what is said from then on, from others and from its own', async () => {
  await say(bob, 'before');
  const phone = await directory.link(laptop);
  await bob.refresh([laptop.userId]);
  const fromBob = await say(bob, 'to both');
  const fromLaptop = await say(laptop, 'to my phone as well');
  await directory.fetch(phone);
  expect(await read(phone, fromBob)).toEqual({ status: 'ok', plaintext: 'to both' });
  expect(await read(phone, fromLaptop)).toEqual({ status: 'ok', plaintext: 'to my phone as well' });
  const fromPhone = await say(phone, 'here I am');
  await directory.fetch(laptop);
  await bob.refresh([laptop.userId]);
  await directory.fetch(bob);
  expect(await read(laptop, fromPhone)).toMatchObject({ status: 'ok' });
  expect(await read(bob, fromPhone)).toMatchObject({ status: 'ok' });
});

test('the backup brings a linked device the keys of what was said before', async () => {
  const fromBob = await say(bob, 'from bob');
  await directory.fetch(laptop);
  const own = await say(laptop, 'my own');
  const pages = await backUp(laptop);
  expect(await backUp(laptop)).toEqual([]);
  const phone = await directory.link(laptop);
  expect(await read(phone, own)).toEqual({ status: 'missing_key' });
  for (const page of pages) expect(await phone.importBackupPage(page)).toEqual([conversationId]);
  expect(await read(phone, own)).toEqual({ status: 'ok', plaintext: 'my own' });
  expect(await read(phone, fromBob)).toEqual({ status: 'ok', plaintext: 'from bob' });
  // Told under another's name it is not believed.
  expect(await read(phone, { ...fromBob, from: laptop })).toEqual({ status: 'untrusted' });
  // What came from the backup is in it.
  expect(await backUp(phone)).toEqual([]);
});

test('keys of the backup still open messages after their sender’s device has become known', async () => {
  const { phone, fromBob } = await phoneWithHistory();
  await say(phone, 'now the phone asks for the devices of bob');
  expect(await read(phone, fromBob)).toEqual({ status: 'ok', plaintext: 'from bob' });
  expect(await read(phone, { ...fromBob, from: laptop })).toEqual({ status: 'untrusted' });
});

test('a history under few keys is opened at once, and each message of it compared with its sender', async () => {
  const said = [];
  for (let index = 0; index < 60; index++) said.push(await say(bob, `message ${index}`));
  await directory.fetch(laptop);
  const own = await say(laptop, 'my own');
  const pages = await backUp(laptop);
  const phone = await directory.link(laptop);
  for (const page of pages) await phone.importBackupPage(page);
  const sealed = (from: CryptoMachine, ciphertext: string) => ({
    conversationId,
    messageId: randomUUID(),
    senderUserId: from.userId,
    senderDeviceId: from.deviceId,
    ciphertext,
    at: 1,
  });
  const history = said.map(({ ciphertext }) => sealed(bob, ciphertext));
  history[30] = sealed(laptop, said[30]?.ciphertext ?? '');
  history.push(sealed(laptop, own.ciphertext), sealed(bob, 'no ciphertext'));
  const results = await phone.openAll(history);
  expect(results).toHaveLength(62);
  for (const [index, result] of results.entries()) {
    if (index === 30) expect(result).toEqual({ status: 'untrusted' });
    else if (index === 60) expect(result).toEqual({ status: 'ok', plaintext: 'my own' });
    else if (index === 61) expect(result).toEqual({ status: 'invalid' });
    else expect(result).toEqual({ status: 'ok', plaintext: `message ${index}` });
  }
});

test('many messages under one key are read as before when it is in memory, and compared with their sender', async () => {
  const said: { ciphertext: string }[] = [];
  for (let index = 0; index < 60; index++) said.push(await say(bob, `message ${index}`));
  await directory.fetch(laptop);
  const sealed = (from: CryptoMachine, index: number, at = 1) => ({
    conversationId,
    messageId: randomUUID(),
    senderUserId: from.userId,
    senderDeviceId: from.deviceId,
    ciphertext: said[index]?.ciphertext ?? '',
    at,
  });
  const readAll = async () => {
    const results = await laptop.openAll(said.map((_, index) => sealed(bob, index)));
    for (const [index, result] of results.entries())
      expect(result).toEqual({ status: 'ok', plaintext: `message ${index}` });
  };
  await readAll();
  expect(await laptop.open(sealed(laptop, 3))).toEqual({ status: 'untrusted' });
  // What is told of devices anew is looked at anew.
  await laptop.refresh([bob.userId]);
  await readAll();
  directory.revocations.push(await bob.revokeDevice(bob.deviceId, 10));
  await laptop.refresh([bob.userId]);
  await readAll();
  expect(await laptop.open(sealed(bob, 59, 11))).toMatchObject({ status: 'revoked' });
  // Not listed any more, it has still said what it has said.
  directory.lie = (user) => ({
    ...user,
    devices: user.devices.filter((one) => one.deviceId !== bob.deviceId),
  });
  await laptop.refresh([bob.userId]);
  await readAll();
});

test('a key that an unlisted device hands out in its owner’s name opens nothing', async () => {
  const ghost = await directory.join(bob.userId);
  directory.lie = (user) => ({
    ...user,
    devices: user.devices.filter(({ deviceId }) => deviceId !== ghost.deviceId),
  });
  const fromGhost = await say(ghost, 'not bob');
  await directory.fetch(laptop);
  expect((await read(laptop, fromGhost)).status).not.toBe('ok');
  expect((await read(laptop, { ...fromGhost, from: bob })).status).not.toBe('ok');
});

test('a message that the network kept from being checked is not given up', async () => {
  const { phone, fromBob } = await phoneWithHistory();
  directory.lie = () => {
    throw new Error('no network');
  };
  await expect(read(phone, fromBob)).rejects.toThrow('no network');
  directory.lie = (user) => user;
  expect(await read(phone, fromBob)).toEqual({ status: 'ok', plaintext: 'from bob' });
});

test('a page that no device of the account has made brings nothing', async () => {
  await say(laptop, 'my own');
  const [page] = await backUp(laptop);
  await say(bob, 'his own');
  const [forged] = await backUp(bob);
  const phone = await directory.link(laptop);
  expect(await phone.importBackupPage(forged ?? '')).toEqual([]);
  const spoilt = `${page?.slice(0, 60)}${page?.[60] === 'A' ? 'B' : 'A'}${page?.slice(61)}`;
  expect(await phone.importBackupPage(spoilt)).toEqual([]);
});

test('secrets are not adopted when the server tells another identity', async () => {
  const mallory = await directory.join(laptop.userId);
  const { masterKey, selfSigningKey } = directory.entry(mallory.deviceId).keys;
  const lie = () => {
    directory.lie = (user) => ({ ...user, masterKey, selfSigningKey });
  };
  await expect(directory.link(laptop, lie)).rejects.toBeInstanceOf(IdentityMismatch);
});

test('a linked device links the next', async () => {
  const phone = await directory.link(laptop);
  const tablet = await directory.link(phone);
  const fromBob = await say(bob, 'to all three');
  await directory.fetch(tablet);
  expect(await read(tablet, fromBob)).toMatchObject({ status: 'ok' });
});

test('both ends of a channel show the same check code and read each other', async () => {
  const offer = await offerChannel();
  const { channel: scanner, first } = await joinChannel(offer.publicKey, 'hello');
  const { channel: shower, plaintext } = offer.accept(first);
  expect(plaintext).toBe('hello');
  expect(shower.checkCode).toBe(scanner.checkCode);
  expect(shower.checkCode).toMatch(/^\d\d$/);
  expect(scanner.open(shower.seal('welcome'))).toBe('welcome');
  expect(() => shower.open('not a ciphertext')).toThrow();
});

test('who stands between two ends shows them different check codes, or does not get in', async () => {
  const offer = await offerChannel();
  const between = await offerChannel();
  const { first } = await joinChannel(between.publicKey, 'hello');
  expect(() => offer.accept(first)).toThrow();
});
