import type { ConversationRow, MessageRow } from '../lib/client/db';

/** A conversation of two people in which nothing has been said, but for what a test says of it. */
export const conversationRow = (more: Partial<ConversationRow> = {}): ConversationRow => ({
  conversationId: 'c',
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
});

/** A text that Anna has said, with this number, but for what a test says of it. */
export const messageRow = (order: number, body: string, more: Partial<MessageRow> = {}): MessageRow => ({
  id: `m${order}`,
  conversationId: 'c',
  kind: 'text',
  order,
  seq: order,
  senderId: 'anna',
  senderDeviceId: 'laptop',
  at: order,
  status: 'received',
  failure: null,
  body,
  replyTo: null,
  deleted: false,
  editSeq: 0,
  reactions: {},
  notice: null,
  ...more,
});
