import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dice } from '../../tests/dice';
import { conversationRow, messageRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { type Arrival, applyArrival } from './apply';
import { Batch } from './batch';
import type { Content } from './content';
import { AparteDb, type ConversationRow, pendingOrder } from './db';
import { isMeantUnread } from './queries';
import { settleOwn } from './settle';

const me = 'me';
const alice = 'alice';
const conversationId = 'c';
let db: AparteDb;
let conversation: ConversationRow;

beforeEach(async () => {
  db = new AparteDb(testKey, `apply-${Math.random()}`);
  conversation = conversationRow({
    conversationId,
    kind: 'group',
    members: [
      { userId: me, role: 'member', state: 'active', devicesVersion: 1 },
      { userId: alice, role: 'owner', state: 'active', devicesVersion: 1 },
      { userId: 'bob', role: 'member', state: 'active', devicesVersion: 1 },
    ],
    createdBy: alice,
    sortAt: 0,
  });
  await db.people.add({ userId: alice, handle: 'alice', name: null, nameAt: 0 });
});

afterEach(() => db.delete());

const arrival = (id: string, seq: number, senderId = alice): Arrival => ({
  id,
  conversationId,
  seq,
  senderId,
  senderDeviceId: `${senderId}-device`,
  at: seq * 1_000,
});

async function arrives(id: string, seq: number, content: Content | null, senderId = alice): Promise<void> {
  const at = arrival(id, seq, senderId);
  const opened = content
    ? ({
        status: 'ok',
        payload: { v: 1, id, conversationId, name: senderId, sentAt: at.at, content },
      } as const)
    : ({ status: 'sealed' } as const);
  await db.transaction('rw', db.tables, async () => {
    const coming = { arrival: at, opened };
    const batch = await Batch.open(db, [coming], null);
    applyArrival(batch, conversation, coming, { userId: me, handle: 'mine' });
    await batch.store();
  });
}

const text = (body: string): Content => ({ kind: 'text', body, replyTo: null });

test('a message is shown, counted and previewed, and tells its sender’s name', async () => {
  await arrives('m1', 1, text('hello'));
  expect(await db.messages.get('m1')).toMatchObject({ body: 'hello', order: 1, status: 'received' });
  expect(conversation).toMatchObject({ unread: 1, preview: { text: 'hello' } });
  expect(await db.people.get(alice)).toMatchObject({ name: alice });
});

const nobody = () => false;

test('of a group it is noted which message names or answers this device’s owner', async () => {
  await arrives('m1', 1, text('hello all, and @minerva'));
  expect(isMeantUnread(conversation, nobody)).toBe(false);
  await arrives('m2', 2, text('and @mine.'));
  expect(conversation.meant).toEqual({ seq: 2, by: alice });
  expect(isMeantUnread(conversation, (userId) => userId === alice)).toBe(false);
  expect(isMeantUnread(conversation, nobody)).toBe(true);
  conversation.readSeq = 2;
  await arrives('m3', 3, text('by me, @mine'), me);
  await arrives('m4', 4, { kind: 'text', body: 'to alice', replyTo: 'm2' });
  expect(isMeantUnread(conversation, nobody)).toBe(false);
  await arrives('m5', 5, { kind: 'text', body: 'to you', replyTo: 'm3' });
  expect(isMeantUnread(conversation, nobody)).toBe(true);
  conversation.readSeq = 5;
  await arrives('d6', 7, { kind: 'delete', target: 'm6' });
  await arrives('m6', 6, text('not for @mine'));
  expect(isMeantUnread(conversation, nobody)).toBe(false);
});

test('a second message under a known id is refused', async () => {
  await arrives('m1', 1, text('the first'));
  await arrives('m1', 2, text('a replay'));
  await arrives('m1', 1, text('another sender'), 'bob');
  expect(await db.messages.get('m1')).toMatchObject({ body: 'the first', senderId: alice });
  expect(await db.messages.count()).toBe(1);
});

test('a message that comes once more changes nothing of what has become of it', async () => {
  await arrives('m1', 1, text('first'));
  await arrives('e', 2, { kind: 'edit', target: 'm1', body: 'mended' });
  await arrives('r', 3, { kind: 'react', target: 'm1', emoji: '🌊' }, 'bob');
  await arrives('m2', 4, text('regretted'));
  await arrives('d', 5, { kind: 'delete', target: 'm2' });
  await arrives('m1', 1, text('first'));
  await arrives('m2', 4, text('regretted'));
  expect(await db.messages.get('m1')).toMatchObject({ body: 'mended', reactions: { bob: { emoji: '🌊' } } });
  expect(await db.messages.get('m2')).toMatchObject({ body: '', deleted: true });
});

const entitled = (title: string) => ({ kind: 'group' as const, title, added: [], removed: [] });

/** One's own change of the title, which waits to be sent: the title as its id. */
async function rename(title: string): Promise<void> {
  conversation.myRole = 'admin';
  conversation.members[0] = { userId: me, role: 'admin', state: 'active', devicesVersion: 1 };
  conversation.title = title;
  const notice = entitled(title);
  const intent = { kind: 'message' as const, messageId: title, content: notice };
  const order = pendingOrder + (await db.outbox.add({ conversationId, intent, at: 1, sealed: null }));
  const pending = { ...arrival(title, 0, me), kind: notice.kind, seq: null, status: 'queued' as const };
  await db.messages.put(messageRow(order, '', { ...pending, order, notice }));
}

/** The server has given it a number. */
async function settles(id: string, seq: number): Promise<void> {
  const at = arrival(id, seq, me);
  await db.transaction('rw', db.tables, async () => {
    const batch = await Batch.open(db, [{ arrival: at, opened: { status: 'invalid' } }], at.senderDeviceId);
    settleOwn(batch, conversation, at, me);
    await batch.store();
  });
}

test('of two who change the title at once, the one whose number is higher is followed by both', async () => {
  await rename('mine');
  await arrives('theirs', 20, entitled('theirs'));
  expect(conversation.title).toBe('theirs');
  await settles('mine', 21);
  expect(conversation).toMatchObject({ title: 'mine', titleSeq: 21 });
});

test('a title that was settled is not settled again, whatever number it is given', async () => {
  await rename('mine');
  await settles('mine', 1);
  await arrives('theirs', 2, entitled('theirs'));
  await settles('mine', 3);
  expect(conversation.title).toBe('theirs');
});

test('a title that is settled leaves the one that was asked for after it', async () => {
  await rename('first');
  await rename('second');
  await settles('first', 1);
  expect(conversation).toMatchObject({ title: 'second', titleSeq: 1 });
  await settles('second', 2);
  expect(conversation).toMatchObject({ title: 'second', titleSeq: 2 });
});

test('only the sender edits or deletes a message', async () => {
  await arrives('m1', 1, text('mine'));
  await arrives('e1', 2, { kind: 'edit', target: 'm1', body: 'forged' }, 'bob');
  await arrives('d1', 3, { kind: 'delete', target: 'm1' }, 'bob');
  expect(await db.messages.get('m1')).toMatchObject({ body: 'mine', deleted: false });
});

test('a picture goes when its message is deleted for good, not while the deletion only waits', async () => {
  const picture = { type: 'image/webp' as const, width: 1, height: 1, standIn: '' };
  await db.messages.add(messageRow(1, '', { conversationId, senderId: me, deleted: true, picture }));
  await db.pictures.add({
    id: 'm1',
    conversationId,
    state: 'here',
    bytes: 'AAAA',
    size: 4,
    at: 1,
    ...picture,
  });
  await arrives('like', 2, { kind: 'react', target: 'm1', emoji: '👍' });
  expect(await db.pictures.count()).toBe(1);
  expect((await db.messages.get('m1'))?.picture).toEqual(picture);
  await arrives('gone', 3, { kind: 'delete', target: 'm1' }, me);
  expect(await db.pictures.count()).toBe(0);
  expect((await db.messages.get('m1'))?.picture).toBe(undefined);
});

test('a title said by one who may not change the group is not believed', async () => {
  await arrives('g1', 1, { kind: 'group', title: 'Ours', added: [], removed: [] });
  await arrives('g2', 2, { kind: 'group', title: 'Hijacked', added: [], removed: [] }, 'bob');
  expect(conversation.title).toBe('Ours');
});

test('what came before its key takes its place when the key comes', async () => {
  await arrives('m1', 1, null);
  await arrives('m2', 2, text('second'));
  expect(conversation.unread).toBe(2);
  await arrives('m1', 1, text('first'));
  const rows = await db.messages.orderBy('[conversationId+order]').toArray();
  expect(rows.map((row) => row.body)).toEqual(['first', 'second']);
  expect(conversation.unread).toBe(2);
});

describe('whatever the order in which messages become readable', () => {
  const said: [string, number, Content, string][] = [
    ['m1', 1, text('one'), alice],
    ['e1', 2, { kind: 'edit', target: 'm1', body: 'two' }, alice],
    ['r1', 3, { kind: 'react', target: 'm1', emoji: '👍' }, 'bob'],
    ['e2', 4, { kind: 'edit', target: 'm1', body: 'three' }, alice],
    ['r2', 5, { kind: 'react', target: 'm1', emoji: null }, 'bob'],
    ['r3', 6, { kind: 'react', target: 'm1', emoji: '❤️' }, alice],
    ['m2', 7, text('gone'), alice],
    ['d1', 8, { kind: 'delete', target: 'm2' }, alice],
    ['e3', 9, { kind: 'edit', target: 'm2', body: 'back?' }, alice],
  ];

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('the outcome is the same (order %i)', async (seed) => {
    const chance = dice(seed);
    const shuffled = said
      .map((one) => ({ one, place: chance() }))
      .sort((a, b) => a.place - b.place)
      .map(({ one }) => one);
    for (const [id, seq, content, senderId] of shuffled) await arrives(id, seq, content, senderId);
    expect(await db.messages.get('m1')).toMatchObject({
      body: 'three',
      reactions: { bob: { emoji: null }, [alice]: { emoji: '❤️' } },
    });
    expect(await db.messages.get('m2')).toMatchObject({ deleted: true, body: '' });
    expect(await db.orphans.count()).toBe(0);
  });
});
