import { directConversationId } from '../protocol/names';
import type { Content, Picture } from './content';
import {
  type AparteDb,
  type ConversationRow,
  type Intent,
  type MessageRow,
  pendingOrder,
  type TellingRow,
} from './db';
import { owesErasure } from './erasure';
import { nextStamp } from './hybrid-clock';
import type { Session } from './meta';
import { previewOf, storeFollowed } from './preview';
import type { Before } from './refusals';
import { serverTime } from './server-clock';
import { readUpTo } from './unread';

/** Who is asking, and the clock and ids that their device uses. */
export interface Author {
  db: AparteDb;
  now: () => number;
  newId: () => string;
}

type SignedIn = Extract<Session, { state: 'signed_in' }>;

export async function signedIn(db: AparteDb): Promise<SignedIn> {
  const session = await db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('no account on this device');
  return session;
}

/** Inside a transaction over `outbox` and `meta`. @param before what stands where the wish is shown at once */
export async function enqueue(
  author: Author,
  conversationId: string,
  intent: Intent,
  before?: Before,
): Promise<number> {
  const at = await serverTime(author);
  return author.db.outbox.add({ conversationId, intent, at, sealed: null, ...(before ? { before } : {}) });
}

/** Asks the engine to make the account. Progress and refusal show in the session. */
export async function signUp(
  { db }: Author,
  wish: { handle: string; name: string; deviceName: string; deviceType: 'WEB' | 'MOBILE' | 'DESKTOP' },
): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const session = await db.readMeta('session');
    if (session?.state === 'signed_in' || session?.state === 'signing_up' || owesErasure(session)) return;
    await db.writeMeta('session', { state: 'signing_up', ...wish, attempt: null });
  });
}

/** The name that others see with my next message, from whichever of my devices. */
export async function rename(author: Author, name: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.meta, db.tellings, async () => {
    const me = await signedIn(db);
    await db.writeMeta('session', { ...me, name });
    await db.writeMeta('nameAt', await stampNow(author));
    await wishTelling(author, 'name', me.userId);
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
  await db.transaction('rw', db.conversations, db.people, db.outbox, db.meta, async () => {
    if (await db.conversations.get(conversationId)) return;
    await rememberPerson(db, person);
    await db.conversations.add(
      newConversation(me, await serverTime(author), {
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
      newConversation(me, await serverTime(author), {
        conversationId,
        kind: 'group',
        title,
        others: memberIds,
      }),
    );
    await enqueue(author, conversationId, { kind: 'create', conversationKind: 'group', memberIds });
    await say(author, conversationId, { kind: 'group', title, added: memberIds, removed: [] });
  });
  return conversationId;
}

export async function rememberPerson(
  db: AparteDb,
  person: { userId: string; handle: string },
): Promise<void> {
  if (await db.people.get(person.userId)) return;
  const { userId, handle } = person;
  await db.people.add({ userId, handle, name: null, nameAt: 0 });
}

interface Saying {
  messageId?: string;
  /** What its text has changed already. */
  before?: Before;
  /** The one of the same id goes with it. */
  picture?: Picture;
}

/**
 * Stores the message and what it does at once, as queued; the engine sends it.
 * @returns the message's id
 */
export async function say(
  author: Author,
  conversationId: string,
  content: Content,
  { messageId = author.newId(), before, picture }: Saying = {},
): Promise<string> {
  const { db } = author;
  const me = await signedIn(db);
  const target = 'target' in content ? await db.messages.get(content.target) : undefined;
  const intent = {
    kind: 'message' as const,
    messageId,
    content,
    ...(picture ? { picture: true as const } : {}),
  };
  const outboxId = await enqueue(author, conversationId, intent, before ?? (target && shownOf(target)));
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
      at: await serverTime(author),
      status: 'queued',
      failure: null,
      body: content.kind === 'text' ? content.body : '',
      replyTo: content.kind === 'text' ? content.replyTo : null,
      ...(picture ? { picture } : {}),
      deleted: false,
      editSeq: 0,
      reactions: {},
      notice: content.kind === 'group' ? content : null,
    };
    await db.messages.add(row);
    const conversation = await db.conversations.get(conversationId);
    await db.conversations.update(conversationId, {
      sortAt: Math.max(conversation?.sortAt ?? 0, row.at),
      preview: previewOf(row, conversation?.cursor ?? 0),
    });
  } else if (target) {
    applyPending(target, content, me.userId, order);
    await db.messages.put(target);
    await storeFollowed(db, target);
  }
  return messageId;
}

const shownOf = ({ body, deleted, editSeq, reactions }: MessageRow): Before => ({
  body,
  deleted,
  editSeq,
  reactions: { ...reactions },
});

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

async function sayIn(
  author: Author,
  conversationId: string,
  content: Content,
  messageId?: string,
): Promise<string> {
  const { db } = author;
  // An async scope: Dexie follows native awaits only from one.
  return db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta], async () => {
    if (messageId && (await db.messages.get(messageId))) return messageId;
    return await say(author, conversationId, content, messageId ? { messageId } : {});
  });
}

/** @param messageId of one that may be stored already, by the page that wrote it or by one that came after: then it stays */
export function sendText(
  author: Author,
  conversationId: string,
  body: string,
  replyTo: string | null = null,
  messageId?: string,
) {
  return sayIn(author, conversationId, { kind: 'text', body, replyTo }, messageId);
}

export function react(author: Author, message: MessageRow, emoji: string | null) {
  return sayIn(author, message.conversationId, { kind: 'react', target: message.id, emoji });
}

export async function accept(author: Author, conversationId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.outbox, db.meta, async () => {
    await db.conversations.update(conversationId, { myState: 'active' });
    await enqueue(author, conversationId, { kind: 'accept' });
  });
}

export async function block(author: Author, conversationId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.outbox, db.meta, async () => {
    const was = (await db.conversations.get(conversationId))?.myState ?? 'active';
    await db.conversations.update(conversationId, { myState: 'blocked' });
    await enqueue(author, conversationId, { kind: 'block', was });
  });
}

/** What was sent in between stays unread: it was encrypted for nobody here. */
export async function unblock(author: Author, conversationId: string, userId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.outbox, db.meta, async () => {
    await db.conversations.update(conversationId, { myState: 'active' });
    await enqueue(author, conversationId, { kind: 'unblock', userId });
  });
}

/**
 * Reading up to `seq` clears the badge here and tells the others. Never goes back. Somebody waits for it on another
 * device: it asks the database no more than it must, and all at once.
 */
export async function markRead(author: Author, conversationId: string, seq: number): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.conversations, db.outbox, db.messages, db.tellings, db.meta], async () => {
    const [conversation, marks] = await Promise.all([
      db.conversations.get(conversationId),
      waitingMarks(author, conversationId),
    ]);
    if (!conversation || conversation.readSeq >= seq) return;
    await readUpTo(db, conversation, seq, async () => (await signedIn(db)).userId);
    const marked = conversation.myState === 'active' && marks === 0;
    await Promise.all([
      db.conversations.put(conversation),
      wishTelling(author, 'read', conversationId),
      marked ? enqueue(author, conversationId, { kind: 'mark' }) : undefined,
    ]);
  });
}

/** In larger conversations nobody is told that a message has arrived, only that it was read. */
export const deliveredMarksUpTo = 8;

/** One mark waits per conversation: what it says is read when it is sealed. Inside a transaction over the outbox. */
export async function wishMark(author: Author, conversationId: string): Promise<void> {
  if ((await waitingMarks(author, conversationId)) === 0)
    await enqueue(author, conversationId, { kind: 'mark' });
}

const waitingMarks = ({ db }: Author, conversationId: string) =>
  db.outbox
    .where('conversationId')
    .equals(conversationId)
    .filter((row) => row.intent.kind === 'mark' && row.sealed === null)
    .count();

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
