import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AparteError } from '../../lib/protocol/errors';
import { openTestDatabase, type TestDatabase } from '../../tests/databases';
import { contacts, group, person, type TestDomain, testDomain, text } from '../../tests/domain';
import { accept, addMembers, block, removeMember, unblockUser } from '../conversations/conversations';
import { readConversations } from '../conversations/read';
import { type Database, openDatabase } from '../db/pool';
import { pull as pullEnvelopes } from '../envelopes/envelopes';
import { pull, send } from './messages';

/** Several nodes on one real Postgres: what each of them does is ordered by the conversation's row only. */
let database: TestDatabase;
let second: Database;
let nodes: [TestDomain, TestDomain];

beforeAll(async () => {
  database = await openTestDatabase('postgres');
  second = await openDatabase({ databaseUrl: database.url, dataDir: '' });
  nodes = [testDomain(database), testDomain(second)];
});
afterAll(async () => {
  await second.close();
  await database.close();
});

test('two nodes that commit at once leave no gap and give no number twice', async () => {
  const [one, two] = nodes;
  const [anna, bert] = [await person(one), await person(one)];
  const conversations = [await contacts(one, anna, bert), await group(one, anna), await group(one, anna)];
  const sends = Array.from({ length: 1500 }, (_, index) => {
    const conversation = conversations[index % 3];
    if (conversation === undefined) throw new Error('no conversation');
    return send(index % 2 === 0 ? one : two, anna, text(conversation));
  });
  const results = await Promise.all(sends);
  conversations.forEach((_, which) => {
    const seqs = results
      .filter((_result, index) => index % 3 === which)
      .map((result) => (result.status === 'sent' ? result.seq : 0));
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_seq, index) => index + 1));
  });
});

test('the same message through two nodes at once is stored once, with one number', async () => {
  const [one, two] = nodes;
  const [anna, bert] = [await person(one), await person(one)];
  const conversation = await contacts(one, anna, bert);
  const { conversationId } = conversation;
  for (let round = 0; round < 100; round++) {
    const envelopes = [{ recipientDeviceId: bert.deviceId, type: 'm.room_key', content: String(round) }];
    const message = text(conversation, { envelopes });
    const results = await Promise.all([
      send(one, anna, message),
      send(two, anna, message),
      send(two, bert, text(conversation)),
    ]);
    expect(results[0]).toEqual(results[1]);
  }
  const stored = (await pull(one, anna, { conversationId, after: 0, limit: 1000 })).messages;
  expect(stored.map((message) => message.seq)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  const { envelopes } = await pullEnvelopes(one, bert, { after: 0, limit: 1000 });
  expect(envelopes.map((envelope) => envelope.content)).toEqual(
    Array.from({ length: 100 }, (_, index) => String(index)),
  );
});

test('the same plain message of one who has sent through both nodes is stored once, with one number', async () => {
  const [one, two] = nodes;
  const [anna, bert] = [await person(one), await person(one)];
  const conversation = await contacts(one, anna, bert);
  for (const node of nodes) await send(node, anna, text(conversation));
  const seqs: number[] = [];
  for (let round = 0; round < 100; round++) {
    const message = text(conversation);
    const results = await Promise.all([send(one, anna, message), send(two, anna, message)]);
    expect(results[0]).toEqual(results[1]);
    for (const result of results.slice(1)) if (result.status === 'sent') seqs.push(result.seq);
  }
  expect(seqs).toEqual(Array.from({ length: 100 }, (_, index) => index + 3));
});

test('a message alone is committed by a statement of its own, and others by that of a batch', async () => {
  const [, two] = nodes;
  const [anna, bert] = [await person(two), await person(two)];
  const conversation = await contacts(two, anna, bert);
  const asked = vi.spyOn(second.pool, 'query');
  try {
    const envelopes = [{ recipientDeviceId: bert.deviceId, type: 'm.room_key', content: 'key' }];
    await send(two, anna, text(conversation));
    await send(two, anna, text(conversation));
    await send(two, anna, text(conversation, { envelopes }));
    await send(two, anna, text(conversation, { slot: 'mark' }));
    await Promise.all([send(two, anna, text(conversation)), send(two, anna, text(conversation))]);
    const names = asked.mock.calls.map(([query]: unknown[]) =>
      typeof query === 'object' && query !== null && 'name' in query ? query.name : undefined,
    );
    expect(names.filter((name) => name !== undefined)).toEqual([
      'commit_alone',
      'commit_alone',
      'commit',
      'commit',
      'commit',
    ]);
  } finally {
    asked.mockRestore();
  }
});

test.each([
  { sender: 'one who has sent before', before: 1 },
  { sender: 'one who has not', before: 0 },
])(
  'a message alone of $sender that waits for a change of the roster is judged by the new one',
  async ({ before }) => {
    const [one, two] = nodes;
    const [anna, bert] = [await person(one), await person(one)];
    await contacts(one, anna, bert);
    const conversation = await group(one, bert, anna);
    const { conversationId } = conversation;
    await accept(one, anna, conversationId);
    const [roster] = await readConversations(one.db, anna.userId, [conversationId]);
    if (roster === undefined) throw new Error('no conversation');
    for (let count = 0; count < before; count++) await send(two, anna, text(roster));
    const change = await database.pool.connect();
    try {
      await change.query('begin');
      await change.query('update conversations set roster_version = roster_version + 1 where id = $1', [
        conversationId,
      ]);
      await change.query("update members set state = 'left' where conversation_id = $1 and user_id = $2", [
        conversationId,
        anna.userId,
      ]);
      const sent = send(two, anna, text(roster)).catch((error: unknown) => error);
      const waiting = async () => {
        const { rows } = await database.pool.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and query like '%update conversations set last_seq%'`,
        );
        return rows.length > 0;
      };
      await expect.poll(waiting, { interval: 5, timeout: 10_000 }).toBe(true);
      await change.query('commit');
      expect(await sent).toEqual(new AparteError('forbidden'));
      const [after] = await readConversations(one.db, bert.userId, [conversationId]);
      expect(after?.lastSeq).toBe(before);
    } finally {
      change.release(true);
    }
  },
);

test('an unblocking waits for a removal of a device that is under way', async () => {
  const [one, two] = nodes;
  const [anna, bert] = [await person(one), await person(one)];
  const { conversationId } = await contacts(one, anna, bert);
  await block(one, anna, conversationId);
  const removal = await second.pool.connect();
  try {
    await removal.query('begin');
    await removal.query('update users set devices_version = devices_version + 1 where id = $1', [
      anna.userId,
    ]);
    const unblocked = unblockUser(two, anna, bert.userId).then(() => 'unblocked');
    const waiting = async () => {
      const { rows } = await database.pool.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%from \"users\"%'",
      );
      return rows.length > 0;
    };
    await expect.poll(waiting, { interval: 5, timeout: 10_000 }).toBe(true);
    const [before] = await readConversations(one.db, bert.userId, [conversationId]);
    await removal.query('commit');
    expect(await unblocked).toBe('unblocked');
    const [after] = await readConversations(one.db, bert.userId, [conversationId]);
    expect(after?.rosterVersion).toBe((before?.rosterVersion ?? 0) + 1);
  } finally {
    removal.release(true);
  }
});

test('a send that races with a removal on another node never reaches the removed member', async () => {
  const [one, two] = nodes;
  const [anna, bert] = [await person(one), await person(one)];
  await contacts(one, anna, bert);
  const { conversationId } = await group(one, anna, bert);
  let stale = 0;
  for (let round = 0; round < 60; round++) {
    const [before] = await readConversations(one.db, anna.userId, [conversationId]);
    if (before === undefined) throw new Error('no conversation');
    const envelopes = [{ recipientDeviceId: bert.deviceId, type: 'm.room_key', content: String(round) }];
    // One guesses the version that the removal is about to make: it must not be believed before it is seen.
    const guess = { ...before, rosterVersion: before.rosterVersion + 1 };
    const [known, guessed] = await Promise.all([
      send(two, anna, text(before, { envelopes })),
      send(two, anna, text(guess, { envelopes, ciphertext: 'guess' })),
      removeMember(one, anna, conversationId, bert.userId),
    ]);
    const { envelopes: got } = await pullEnvelopes(one, bert, { after: 0, limit: 1000 });
    const mine = got.filter((envelope) => envelope.content === String(round));
    expect(mine).toHaveLength(known.status === 'sent' ? 1 : 0);
    for (const result of [known, guessed]) if (result.status === 'stale') stale += 1;
    const [removed] = await readConversations(one.db, bert.userId, [conversationId]);
    if (known.status === 'sent') expect(known.seq).toBeLessThanOrEqual(removed?.lastSeq ?? 0);
    await addMembers(one, anna, conversationId, [bert.userId]);
  }
  expect(stale).toBeGreaterThan(0);
});
