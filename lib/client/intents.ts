import type { Role } from '../protocol/conversations';
import { directConversationId } from '../protocol/names';
import type { Content } from './content';
import {
  type AparteDb,
  type ConversationRow,
  type Intent,
  type MessageRow,
  pendingOrder,
  type Session,
  type TellingRow,
} from './db';
import { nextStamp } from './hybrid-clock';
import { readUpTo } from './unread';

/** Who is asking, and the clock and ids that their device uses. */
export interface Author {
  db: AparteDb;
  now: () => number;
  newId: () => string;
}

type SignedIn = Extract<Session, { state: 'signed_in' }>;

async function signedIn(db: AparteDb): Promise<SignedIn> {
  const session = await db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('no account on this device');
  return session;
}

async function enqueue(author: Author, conversationId: string, intent: Intent): Promise<number> {
  return author.db.outbox.add({ conversationId, intent, at: author.now(), sealed: null });
}

/** Asks the engine to make the account. Progress and refusal show in the session. */
export async function signUp(
  { db }: Author,
  wish: { handle: string; name: string; deviceName: string; deviceType: 'WEB' | 'MOBILE' | 'DESKTOP' },
): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const session = await db.readMeta('session');
    if (session?.state === 'signed_in' || session?.state === 'signing_up') return;
    await db.writeMeta('session', { state: 'signing_up', ...wish, attempt: null });
  });
}

/** The name that others see with my next message. */
export async function rename({ db }: Author, name: string): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    await db.writeMeta('session', { ...(await signedIn(db)), name });
  });
}

function newConversation(
  me: SignedIn,
  now: number,
  fields: Pick<ConversationRow, 'conversationId' | 'kind' | 'title'> & { others: string[] },
): ConversationRow {
  const member = { state: 'active' as const, devicesVersion: 0 };
  return {
    conversationId: fields.conversationId,
    kind: fields.kind,
    title: fields.title,
    titleSeq: 0,
    members: [
      { userId: me.userId, role: 'owner', ...member },
      ...fields.others.map((userId) => ({ userId, role: 'member' as const, ...member })),
    ],
    myRole: 'owner',
    myState: 'active',
    createdBy: me.userId,
    rosterVersion: 0,
    joinedSeq: 0,
    cursor: 0,
    lastSeq: 0,
    readSeq: 0,
    unread: 0,
    mustRotate: false,
    marks: {},
    preview: null,
    draft: '',
    sortAt: now,
  };
}

/** Opens the one-to-one conversation with a person, making it if needed. @returns its id */
export async function startDirect(
  author: Author,
  person: { userId: string; handle: string },
): Promise<string> {
  const { db } = author;
  const me = await signedIn(db);
  const conversationId = await directConversationId(me.userId, person.userId);
  await db.transaction('rw', db.conversations, db.people, db.outbox, async () => {
    if (await db.conversations.get(conversationId)) return;
    await rememberPerson(db, person);
    await db.conversations.add(
      newConversation(me, author.now(), {
        conversationId,
        kind: 'direct',
        title: null,
        others: [person.userId],
      }),
    );
    await enqueue(author, conversationId, {
      kind: 'create',
      conversationKind: 'direct',
      memberIds: [person.userId],
    });
  });
  return conversationId;
}

/** @returns the new group's id */
export async function startGroup(
  author: Author,
  title: string,
  people: { userId: string; handle: string }[],
): Promise<string> {
  const { db } = author;
  const me = await signedIn(db);
  const conversationId = author.newId();
  const memberIds = people.map((person) => person.userId);
  await db.transaction('rw', [db.conversations, db.people, db.outbox, db.messages, db.meta], async () => {
    for (const person of people) await rememberPerson(db, person);
    await db.conversations.add(
      newConversation(me, author.now(), { conversationId, kind: 'group', title, others: memberIds }),
    );
    await enqueue(author, conversationId, { kind: 'create', conversationKind: 'group', memberIds });
    await say(author, conversationId, { kind: 'group', title, added: memberIds, removed: [] });
  });
  return conversationId;
}

async function rememberPerson(db: AparteDb, person: { userId: string; handle: string }): Promise<void> {
  if (await db.people.get(person.userId)) return;
  const { userId, handle } = person;
  await db.people.add({ userId, handle, name: null, nameAt: 0 });
}

/** Stores the message and what it does at once, as queued; the engine sends it. @returns the message's id */
async function say(author: Author, conversationId: string, content: Content): Promise<string> {
  const { db } = author;
  const me = await signedIn(db);
  const messageId = author.newId();
  const outboxId = await enqueue(author, conversationId, { kind: 'message', messageId, content });
  const order = pendingOrder + outboxId;
  if (content.kind === 'text' || content.kind === 'group') {
    const row: MessageRow = {
      id: messageId,
      conversationId,
      kind: content.kind,
      order,
      seq: null,
      senderId: me.userId,
      senderDeviceId: me.deviceId,
      at: author.now(),
      status: 'queued',
      failure: null,
      body: content.kind === 'text' ? content.body : '',
      replyTo: content.kind === 'text' ? content.replyTo : null,
      deleted: false,
      editSeq: 0,
      reactions: {},
      notice: content.kind === 'group' ? content : null,
    };
    await db.messages.add(row);
    await db.conversations.update(conversationId, {
      sortAt: row.at,
      preview: { messageId, senderId: me.userId, kind: row.kind, text: row.body, at: row.at },
    });
  } else {
    await db.messages
      .where('id')
      .equals(content.target)
      .modify((row) => applyPending(row, content, me.userId, order));
  }
  return messageId;
}

/** Shows one's own wish at once. Its order stands above every number, so nothing that arrives meanwhile undoes it. */
function applyPending(row: MessageRow, content: Content, userId: string, order: number): void {
  if (content.kind === 'edit') {
    row.body = content.body;
    row.editSeq = order;
  } else if (content.kind === 'delete') {
    row.deleted = true;
    row.body = '';
  } else if (content.kind === 'react') {
    row.reactions[userId] = { emoji: content.emoji, seq: order };
  }
}

async function sayIn(author: Author, conversationId: string, content: Content): Promise<string> {
  const { db } = author;
  // An async scope: Dexie follows native awaits only from one.
  return db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta], async () => {
    return await say(author, conversationId, content);
  });
}

export function sendText(
  author: Author,
  conversationId: string,
  body: string,
  replyTo: string | null = null,
) {
  return sayIn(author, conversationId, { kind: 'text', body, replyTo });
}

export function editMessage(author: Author, message: MessageRow, body: string) {
  return sayIn(author, message.conversationId, { kind: 'edit', target: message.id, body });
}

export function deleteMessage(author: Author, message: MessageRow) {
  return sayIn(author, message.conversationId, { kind: 'delete', target: message.id });
}

export function react(author: Author, message: MessageRow, emoji: string | null) {
  return sayIn(author, message.conversationId, { kind: 'react', target: message.id, emoji });
}

export async function setTitle(author: Author, conversationId: string, title: string): Promise<void> {
  await author.db.conversations.update(conversationId, { title });
  await sayIn(author, conversationId, { kind: 'group', title, added: [], removed: [] });
}

/** Adds people, then tells the group so, the title with it for those who are new. */
export async function addMembers(
  author: Author,
  conversationId: string,
  people: { userId: string; handle: string }[],
): Promise<void> {
  const { db } = author;
  const userIds = people.map((person) => person.userId);
  await db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta, db.people], async () => {
    for (const person of people) await rememberPerson(db, person);
    const conversation = await db.conversations.get(conversationId);
    await enqueue(author, conversationId, { kind: 'add', userIds });
    await say(author, conversationId, {
      kind: 'group',
      title: conversation?.title ?? null,
      added: userIds,
      removed: [],
    });
  });
}

export async function removeMember(author: Author, conversationId: string, userId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta], async () => {
    await enqueue(author, conversationId, { kind: 'remove', userId });
    await say(author, conversationId, { kind: 'group', title: null, added: [], removed: [userId] });
  });
}

export async function setRole(
  author: Author,
  conversationId: string,
  userId: string,
  role: Role,
): Promise<void> {
  await enqueue(author, conversationId, { kind: 'role', userId, role });
}

export async function leave(author: Author, conversationId: string): Promise<void> {
  await enqueue(author, conversationId, { kind: 'leave' });
}

export async function accept(author: Author, conversationId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.outbox, async () => {
    await db.conversations.update(conversationId, { myState: 'active' });
    await enqueue(author, conversationId, { kind: 'accept' });
  });
}

export async function block(author: Author, conversationId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.outbox, async () => {
    await db.conversations.update(conversationId, { myState: 'blocked' });
    await enqueue(author, conversationId, { kind: 'block' });
  });
}

/** Reading up to `seq` clears the badge here and tells the others. Never goes back. */
export async function markRead(author: Author, conversationId: string, seq: number): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.conversations, db.outbox, db.messages, db.meta, db.tellings], async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation || conversation.readSeq >= seq) return;
    const me = await signedIn(db);
    await readUpTo(db, conversation, seq, me.userId);
    await db.conversations.put(conversation);
    await wishTelling(author, 'read', conversationId);
    if (conversation.myState === 'active') await wishMark(author, conversationId);
  });
}

/** One mark waits per conversation: what it says is read when it is sealed. Inside a transaction over the outbox. */
export async function wishMark(author: Author, conversationId: string): Promise<void> {
  const waiting = await author.db.outbox
    .where('conversationId')
    .equals(conversationId)
    .filter((row) => row.intent.kind === 'mark' && row.sealed === null)
    .count();
  if (waiting === 0) await enqueue(author, conversationId, { kind: 'mark' });
}

/** A draft is told to the other devices when its writer pauses for so long. */
const draftAfterMs = 1_500;

export async function saveDraft(author: Author, conversationId: string, draft: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.meta, db.tellings, async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation || conversation.draft === draft) return;
    await db.conversations.update(conversationId, { draft, draftAt: await stampNow(author) });
    await wishTelling(author, 'draft', conversationId, draft === '' ? 0 : draftAfterMs);
  });
}

/** A stamp for a change of now. Inside a transaction over `meta`. */
export async function stampNow({ db, now }: Author): Promise<string> {
  const me = await signedIn(db);
  const made = nextStamp((await db.readMeta('clock')) ?? '', now(), me.deviceId);
  await db.writeMeta('clock', made);
  return made;
}

/** The account's other devices are to be told of a change. Inside a transaction over `tellings`. */
export async function wishTelling(
  { db, now, newId }: Author,
  kind: TellingRow['kind'],
  about: string,
  afterMs = 0,
): Promise<void> {
  await db.tellings.put({
    key: `${kind} ${about}`,
    kind,
    about,
    version: newId(),
    notBefore: afterMs === 0 ? 0 : now() + afterMs,
  });
}

/** Sends a failed message again. */
export async function retry(author: Author, messageId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.messages, db.outbox, async () => {
    const message = await db.messages.get(messageId);
    if (message?.status !== 'failed') return;
    const content: Content = message.notice ?? { kind: 'text', body: message.body, replyTo: message.replyTo };
    const outboxId = await enqueue(author, message.conversationId, { kind: 'message', messageId, content });
    await db.messages.update(messageId, { status: 'queued', failure: null, order: pendingOrder + outboxId });
  });
}

/** Takes back a message that the server has refused, or that was not sent yet. @returns its text, for the composer */
export async function cancel(author: Author, messageId: string): Promise<string | null> {
  const { db } = author;
  return db.transaction('rw', db.messages, db.outbox, db.conversations, async () => {
    const message = await db.messages.get(messageId);
    if (!message || message.status === 'sent' || message.status === 'received') return null;
    const waiting = await db.outbox
      .where('conversationId')
      .equals(message.conversationId)
      .filter((row) => row.intent.kind === 'message' && row.intent.messageId === messageId)
      .first();
    // Its bytes may already be on their way, and could arrive after having been taken back.
    if (waiting?.sealed?.tried) return null;
    // Envelopes that nobody will get: the next message starts with a new key.
    if (waiting?.sealed) await db.conversations.update(message.conversationId, { mustRotate: true });
    if (waiting) await db.outbox.delete(waiting.id);
    await db.messages.delete(messageId);
    return message.body;
  });
}
