import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { conversationRow, messageRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { KeyDirectory } from '../crypto/key-directory.testing';
import type { DeviceFrame } from '../protocol/frames';
import type { IncomingEnvelope, Message } from '../protocol/messages';
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

/** Bert's inbox, and what Anna has said to him in so many conversations, each of which begins with a key. */
async function manyConversations(count: number, ownWord = false) {
  const directory = new KeyDirectory();
  const [anna, bert] = [await directory.join(), await directory.join()];
  const db = new AparteDb(testKey, `inbox-${randomUUID()}`);
  const messages = new Map<string, Message>();
  const envelopes: IncomingEnvelope[] = [];
  for (let number = 1; number <= count; number++) {
    const [conversationId, clientId] = [randomUUID(), randomUUID()];
    const content: Content = { kind: 'text', body: `message ${number}`, replyTo: null };
    const payload = { v: 1, id: clientId, conversationId, name: 'Anna', sentAt: 1, content };
    const { ciphertext, envelopes: keys } = await anna.seal({
      ...{ conversationId, recipientUserIds: [bert.userId], rotate: false },
      plaintext: JSON.stringify(payload),
    });
    const [senderUserId, senderDeviceId] = [anna.userId, anna.deviceId];
    for (const { type, content } of keys)
      envelopes.push({ id: number, senderUserId, senderDeviceId, conversationId, type, content });
    const message = {
      conversationId,
      seq: 1,
      clientId,
      senderUserId,
      senderDeviceId,
      ciphertext,
      at: number,
    };
    messages.set(conversationId, message);
    await db.conversations.put(conversationRow({ conversationId }));
  }
  if (ownWord) {
    const other = await directory.link(bert);
    const said = await other.sealNote('something was read');
    const from = { senderUserId: bert.userId, senderDeviceId: other.deviceId };
    for (const { recipientDeviceId, type, content } of said.envelopes)
      if (recipientDeviceId === bert.deviceId)
        envelopes.push({ ...from, id: count + 1, conversationId: null, type, content });
  }
  const received: number[] = [];
  const receive = bert.receive.bind(bert);
  bert.receive = (some, preKeys) => {
    received.push(some.length);
    return receive(some, preKeys);
  };
  const pull = async ({ conversationId }: { conversationId: string }) => ({
    messages: [...messages.values()].filter((one) => one.conversationId === conversationId),
    lastSeq: 1,
  });
  const me = {
    state: 'signed_in',
    userId: bert.userId,
    deviceId: bert.deviceId,
    handle: 'bert',
    name: 'Bert',
  };
  const acked: number[] = [];
  const post = (frame: DeviceFrame) => {
    if (frame.t === 'ack') acked.push(...frame.ids);
    return true;
  };
  // The parts of the engine that this needs.
  const environment = {
    log: () => undefined,
    db,
    api: { messages: { pull: { query: pull } } },
    now: () => 1,
    newId: randomUUID,
  };
  const work = { environment, machine: bert, me, post } as unknown as Work;
  const inbox = new Inbox(work, {
    arrived: () => undefined,
    pictured: () => undefined,
    gap: () => undefined,
  });
  const ids = [...messages.keys()];
  const readable = async () => {
    const rows = (await db.messages.toArray()).filter(({ kind }) => kind === 'text');
    return rows.map(({ body }) => Number(body?.replace('message ', ''))).sort((a, b) => a - b);
  };
  const pullNewest = async () => {
    const newest = await db.conversations.get(ids.at(-1) ?? '');
    if (!newest) throw new Error('There is no such conversation.');
    await inbox.pullAhead(newest, 1, envelopes);
  };
  const pullAll = async () => {
    await inbox.pullEnvelopes({ envelopes, more: false });
    await inbox.pullConversations(new Map(ids.map((id) => [id, 1])));
  };
  return { inbox, db, bert, ids, received, acked, readable, pullNewest, pullAll };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('what was said last is read before the keys of others are taken in, and nothing is acknowledged before', async () => {
  const { db, received, acked, readable, pullNewest, pullAll } = await manyConversations(21);
  await pullNewest();
  expect([await readable(), received, acked]).toEqual([[21], [1], []]);
  await pullAll();
  expect([await readable(), received, acked]).toEqual([upTo(21), [1, 20], upTo(21)]);
  db.close();
});

test('a key that comes after too many others of its device waits for its turn, and so do its messages', async () => {
  const { db, received, readable, pullNewest, pullAll } = await manyConversations(22);
  await pullNewest();
  expect([await db.messages.count(), received]).toEqual([0, []]);
  await pullAll();
  expect([await readable(), received]).toEqual([upTo(22), [22]]);
  db.close();
});

test('what another device of the same person has said is taken in before what was said last', async () => {
  const { db, received, readable, pullNewest } = await manyConversations(3, true);
  await pullNewest();
  expect([await readable(), received]).toEqual([[3], [2]]);
  db.close();
});

test('a machine that cannot take a key in has nothing opened with it, and is given it again', async () => {
  const { db, bert, acked, readable, pullNewest, pullAll } = await manyConversations(2);
  const { receive } = bert;
  bert.receive = () => Promise.reject(new Error('no storage'));
  await expect(pullNewest()).rejects.toThrow('no storage');
  expect([await db.messages.count(), acked]).toEqual([0, []]);
  bert.receive = receive;
  await pullAll();
  expect([await readable(), acked]).toEqual([
    [1, 2],
    [1, 2],
  ]);
  db.close();
});
