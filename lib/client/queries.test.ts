import { afterEach, expect, test } from 'vitest';
import { testKey } from '../../tests/store-key';
import { AparteDb, type ConversationRow, type Preview } from './db';
import { blocked, conversations } from './queries';

const db = new AparteDb(testKey, 'queries');
afterEach(() => db.conversations.clear());

const preview: Preview = { messageId: 'm', senderId: 'bert', kind: 'text', text: 'hello', at: 1, seq: 1 };

function row(conversationId: string, more: Partial<ConversationRow>): ConversationRow {
  return {
    conversationId,
    kind: 'direct',
    title: null,
    titleSeq: 0,
    members: [],
    myRole: 'member',
    myState: 'active',
    createdBy: 'bert',
    rosterVersion: 1,
    joinedSeq: 0,
    cursor: 0,
    lastSeq: 0,
    readSeq: 0,
    unread: 0,
    mustRotate: false,
    marks: {},
    preview: null,
    draft: '',
    sortAt: 1,
    ...more,
  };
}

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
  expect((await blocked(db)).map((one) => one.conversationId)).toEqual(['gone']);
});
