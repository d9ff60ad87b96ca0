import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { conversationRow, messageRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { KeyDirectory } from '../crypto/key-directory.testing';
import type { Content } from './content';
import { AparteDb } from './db';
import { Inbox } from './inbox';
import type { Work } from './work';

test('a message whose key is looked for twice at once stays as it was changed', async () => {
  const directory = new KeyDirectory();
  const [anna, bert] = [await directory.join(), await directory.join()];
  const db = new AparteDb(testKey, 'inbox-0');
  const conversationId = randomUUID();
  const [said, taken] = [randomUUID(), randomUUID()];
  const content: Content = { kind: 'text', body: 'a secret', replyTo: null };
  const payload = { v: 1, id: said, conversationId, name: 'Anna', sentAt: 1, content };
  const sealed = await anna.seal({
    conversationId,
    recipientUserIds: [bert.userId],
    plaintext: JSON.stringify(payload),
    rotate: false,
  });
  const { userId, deviceId } = bert;
  const common = { conversationId, senderId: anna.userId, senderDeviceId: anna.deviceId, at: 1 };
  await db.conversations.put(conversationRow({ conversationId, cursor: 2, lastSeq: 2, unread: 1 }));
  await db.sealed.put({ ...common, id: said, seq: 1, ciphertext: sealed.ciphertext });
  await db.messages.put(messageRow(1, '', { ...common, id: said, kind: 'sealed' }));
  // It was deleted by a message that could be read.
  const { senderId } = common;
  const change: Content = { kind: 'delete', target: said };
  await db.orphans.put({ id: taken, target: said, conversationId, seq: 2, senderId, content: change });
  directory.deliver(anna, sealed);
  await directory.fetch(bert);

  const me = { state: 'signed_in', userId, deviceId, handle: 'bert', name: 'Bert' };
  // The parts of the engine that this needs.
  const work = { environment: { db }, machine: bert, me } as unknown as Work;
  const arrived: string[] = [];
  const inbox = new Inbox(work, {
    arrived: (_, ids) => arrived.push(...ids),
    pictured: () => undefined,
    gap: () => undefined,
  });
  await Promise.all([inbox.openSealed([conversationId]), inbox.openSealed([conversationId])]);
  expect(await db.messages.get(said)).toMatchObject({ kind: 'text', deleted: true, body: '' });
  expect(await db.sealed.count()).toBe(0);
  expect(arrived).toEqual([said]);
  db.close();
});
