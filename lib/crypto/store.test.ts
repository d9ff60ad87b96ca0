import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { KeyDirectory } from './key-directory.testing';
import { openMachine } from './machine';

const key = new Uint8Array(32).fill(1);

/** Deletes at once, or tells that somebody still holds it open. */
function deleteDatabase(name: string): Promise<'deleted' | 'blocked'> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve('deleted');
    request.onblocked = () => resolve('blocked');
    request.onerror = () => reject(request.error);
  });
}

test('a machine that is opened again on its store reads what was meant for it', async () => {
  const directory = new KeyDirectory();
  const alice = await directory.join();
  const store = { name: randomUUID(), key };
  const before = await directory.join(randomUUID(), store);
  const { userId, deviceId } = before;
  const conversationId = randomUUID();
  const sealing = {
    conversationId,
    recipientUserIds: [alice.userId, userId],
    plaintext: 'hello',
    rotate: false,
  };
  const sealed = await alice.seal(sealing);
  directory.deliver(alice, sealed);
  await before.close();
  const bob = await openMachine({
    userId,
    deviceId,
    store,
    transport: directory.transport(() => deviceId),
    ledger: directory.ledger(deviceId),
  });
  await directory.fetch(bob);
  const message = { conversationId, messageId: randomUUID(), ciphertext: sealed.ciphertext, at: 1 };
  const opened = await bob.open({ ...message, senderUserId: alice.userId, senderDeviceId: alice.deviceId });
  expect(opened).toEqual({ status: 'ok', plaintext: 'hello' });
  await bob.close();
});

test('the store of a closed machine can be deleted at once', async () => {
  const name = randomUUID();
  const ids = { userId: randomUUID(), deviceId: randomUUID() };
  const directory = new KeyDirectory();
  const transport = directory.transport(() => '');
  const machine = await openMachine({
    ...ids,
    store: { name, key },
    transport,
    ledger: directory.ledger(ids.deviceId),
  });
  await machine.createAccount();
  await machine.close();
  const databases = (await indexedDB.databases()).map((database) => database.name ?? '');
  const own = databases.filter((database) => database.startsWith(name));
  expect(own.length).toBeGreaterThan(0);
  for (const database of own) expect(await deleteDatabase(database)).toBe('deleted');
});
