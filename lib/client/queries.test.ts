import { afterEach, expect, test } from 'vitest';
import { conversationRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { directConversationId } from '../protocol/names';
import { AparteDb, type ConversationRow, type Preview } from './db';
import {
  allConversations,
  conversations,
  isArriving,
  newestConversations,
  unreadTotal,
  withNewest,
} from './queries';

const db = new AparteDb(testKey, 'queries');
afterEach(() => db.conversations.clear());

const preview: Preview = { messageId: 'm', senderId: 'bert', kind: 'text', text: 'hello', at: 1, seq: 1 };

const row = (conversationId: string, more: Partial<ConversationRow>): ConversationRow =>
  conversationRow({ conversationId, ...more });

const shown = async () => (await conversations(db)).map((one) => one.conversationId);

test('a request is shown once its first message is here, and not before', async () => {
  await db.conversations.bulkPut([row('mine', {}), row('asked', { myState: 'requested' })]);
  expect(await shown()).toEqual(['mine']);
  await db.conversations.update('asked', { preview, sortAt: 2 });
  expect(await shown()).toEqual(['asked', 'mine']);
});

test('who was blocked stands on a list of their own, and not among the conversations', async () => {
  await db.conversations.bulkPut([row('mine', { preview }), row('gone', { myState: 'blocked', preview })]);
  expect(await shown()).toEqual(['mine']);
  expect((await allConversations(db)).blocked.map((one) => one.conversationId)).toEqual(['gone']);
});

test('of groups that are heard only where one is meant each counts as one, unless it is muted or a blocked person said so', async () => {
  const alertRule = { mutedUntil: 0, mentionsOnly: true, at: '' };
  const carl = { userId: 'carl', role: 'member' as const, state: 'active' as const, devicesVersion: 1 };
  const group = (id: string, by: string, more: Partial<ConversationRow> = {}) =>
    row(id, { kind: 'group', unread: 3, readSeq: 2, meant: { seq: 4, by }, alertRule, ...more });
  await db.conversations.bulkPut([
    row('plain', { unread: 2 }),
    group('meant', 'bert'),
    group('read', 'bert', { readSeq: 4 }),
    row('nobody', { kind: 'group', unread: 3, alertRule }),
    group('muted', 'bert', { alertRule: { ...alertRule, mutedUntil: 10 } }),
    group('by carl', 'carl'),
  ]);
  expect(await unreadTotal(db, 5)).toBe(4);
  await db.conversations.put(row('with carl', { myState: 'blocked', members: [carl] }));
  expect(await unreadTotal(db, 5)).toBe(3);
});

test('older messages are awaited while there is a gap, or while none has come of those that there are', () => {
  expect(isArriving(row('read whole', { cursor: 2, lastSeq: 2 }))).toBe(false);
  expect(isArriving(row('a new one is on its way', { cursor: 2, lastSeq: 3 }))).toBe(false);
  expect(isArriving(row('empty', { joinedSeq: 4, cursor: 4, lastSeq: 4 }))).toBe(false);
  expect(isArriving(row('just linked', { cursor: 0, lastSeq: 2 }))).toBe(true);
  expect(isArriving(row('a gap', { cursor: 90, lastSeq: 90, gaps: [{ after: 0, upTo: 50 }] }))).toBe(true);
});

test('the first screen has the newest that are listed, and the people that it names', async () => {
  const people = ['anna', 'bert', 'carl', 'dora'].map((userId) => ({
    userId,
    handle: userId,
    name: null,
    nameAt: 0,
  }));
  await db.people.bulkPut(people);
  const members = ['anna', 'carl'].map((userId) => ({
    userId,
    role: 'member' as const,
    state: 'active' as const,
    devicesVersion: 1,
  }));
  await db.conversations.bulkPut([
    row('old', { sortAt: 1, members }),
    row('group', { sortAt: 2, kind: 'group', members, preview }),
    row('blocked', { sortAt: 3, myState: 'blocked' }),
    row('direct', { sortAt: 4, members }),
  ]);
  const first = await newestConversations(db, 'anna', 3);
  expect(first.rows.map((one) => one.conversationId)).toEqual(['direct', 'group']);
  expect([...first.people.keys()].sort()).toEqual(['anna', 'bert', 'carl']);
  expect(first.blocked).toEqual([]);
  const withBert = await directConversationId('anna', 'bert');
  await db.conversations.put(row(withBert, { sortAt: 0, myState: 'blocked' }));
  const then = await newestConversations(db, 'anna', 3);
  expect(then.blocked.map((one) => one.conversationId)).toEqual([withBert]);
  const all = await conversations(db);
  const whole = withNewest(all, [row('old', { sortAt: 5, unread: 1 })]);
  expect(whole.map((one) => [one.conversationId, one.unread])).toEqual([
    ['old', 1],
    ['direct', 0],
    ['group', 0],
  ]);
});
