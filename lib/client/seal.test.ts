import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { conversationRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { KeyDirectory } from '../crypto/key-directory.testing';
import type { CryptoMachine } from '../crypto/types';
import { AparteDb, type ConversationRow, type OutboxRow } from './db';
import { performDecisions } from './decisions';
import { sealRow } from './seal';
import type { Work } from './work';

let databases = 0;
let db: AparteDb;
let directory: KeyDirectory;
let anna: CryptoMachine;
let bert: CryptoMachine;
let work: Work;
let conversation: ConversationRow;

beforeEach(async () => {
  db = new AparteDb(testKey, `seal-${databases++}`);
  directory = new KeyDirectory();
  anna = await directory.join();
  bert = await directory.join();
  const { userId, deviceId } = bert;
  const me = { state: 'signed_in' as const, userId, deviceId, handle: 'bert', name: 'Bert' };
  await db.writeMeta('session', me);
  const environment = { db, now: () => 5_000, newId: () => randomUUID(), log: () => undefined };
  // The parts of the engine that this needs.
  work = { environment, machine: bert, me } as unknown as Work;
  const member = { role: 'member' as const, state: 'active' as const, devicesVersion: 1 };
  conversation = conversationRow({
    conversationId: randomUUID(),
    members: [anna.userId, userId].map((one) => ({ userId: one, ...member })),
    createdBy: anna.userId,
    cursor: 10,
    lastSeq: 10,
    readSeq: 5,
    unread: 5,
  });
  await db.conversations.put(conversation);
});
afterEach(() => db.close());

async function mark(): Promise<OutboxRow> {
  const { conversationId } = conversation;
  const id = await db.outbox.add({ conversationId, intent: { kind: 'mark' }, at: 1, sealed: null });
  const row = await db.outbox.get(id);
  if (!row) throw new Error('it is not there');
  return row;
}
const change = (fields: Partial<ConversationRow>) =>
  db.conversations.update(conversation.conversationId, fields);
const marks = async () => (await db.outbox.toArray()).map((row) => row.sealed !== null);

test('what is read while a mark is sealed is told by another', async () => {
  const row = await mark();
  await change({ readSeq: 10 });
  expect(await sealRow(work, row, conversation, 0, true)).toBe(true);
  expect(await marks()).toEqual([true, false]);
});

test('in a large conversation nobody is told that something has come meanwhile', async () => {
  const many = Array.from({ length: 9 }, () => conversation.members[0]).flatMap((one) => one ?? []);
  await change({ cursor: 11, members: many });
  expect(await sealRow(work, await mark(), conversation, 0, true)).toBe(true);
  expect(await marks()).toEqual([true]);
});

test('a mark that says all is followed by none', async () => {
  expect(await sealRow(work, await mark(), conversation, 0, true)).toBe(true);
  expect(await marks()).toEqual([true]);
});

test('a new key that becomes due while something is sealed with the old one stays due', async () => {
  const row = await mark();
  await change({ mustRotate: true });
  await sealRow(work, row, conversation, 0, true);
  expect((await db.conversations.get(conversation.conversationId))?.mustRotate).toBe(true);
  await sealRow(work, await mark(), { ...conversation, mustRotate: true }, 0, true);
  expect((await db.conversations.get(conversation.conversationId))?.mustRotate).toBe(false);
});

test('a decision that is made while the one before is carried out has its turn', async () => {
  await sealRow(work, await mark(), conversation, 0, true);
  const { userId } = anna;
  const known = directory.news.get(bert.deviceId)?.flatMap((one) => one.identities) ?? [];
  const masterKey = known.find((one) => one.userId === userId)?.masterKey ?? '';
  await db.decisions.put({ userId, masterKey, verify: true });
  let asked = 0;
  directory.lie = (user) => {
    // While the machine asks for the keys anew, the person takes it back.
    if (user.userId === userId && asked++ === 0) void db.decisions.put({ userId, masterKey, verify: false });
    return user;
  };
  await performDecisions(work);
  expect(await db.decisions.toArray()).toEqual([{ userId, masterKey, verify: false }]);
  await performDecisions(work);
  expect(await db.decisions.count()).toBe(0);
});
