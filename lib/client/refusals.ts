import type { ErrorCode } from '../protocol/errors';
import type { Content } from './content';
import { type AparteDb, type Intent, type MessageRow, type OutboxRow, pendingOrder, targetOf } from './db';
import { dropMessage, storeFollowed } from './preview';
import { withdraw } from './withdraw';

/** Of the message that a wish is about; of the conversation its title. */
export type Before = Pick<MessageRow, 'body' | 'deleted' | 'editSeq' | 'reactions'> & {
  title?: string | null;
};

/** A wish that the server has refused for good, until its owner has looked. */
export interface Refusal {
  /** That of its outbox row. */
  id: number;
  conversationId: string;
  intent: Intent;
  code: ErrorCode;
  /** ms */
  at: number;
}

/** A person is shown so many at most; the oldest go first. */
const refusalsKept = 50;

/** Wishes whose refusal stands on a message of their own, or that nobody has asked for in words. */
const isSelfShown = (intent: Intent) =>
  intent.kind === 'mark' || (intent.kind === 'message' && intent.content.kind === 'text');

/**
 * The server has refused a wish for good: what it showed at once is put back, what hung on it goes with it, and its
 * owner is told why. Inside no transaction.
 */
export async function refuse(
  db: AparteDb,
  row: OutboxRow,
  code: ErrorCode,
  me: string,
  at: number,
): Promise<void> {
  const { conversationId, intent } = row;
  await db.transaction('rw', [db.outbox, db.messages, db.conversations, db.meta], async () => {
    await withdraw(db, row);
    if (intent.kind === 'message') {
      await db.messages.update(intent.messageId, { status: 'failed', failure: code });
      await putBack(db, row, me);
    } else if (intent.kind === 'create') await failAll(db, conversationId, code);
    else await dropNotice(db, intent);
    if (!isSelfShown(intent)) await tell(db, { row, code, at });
  });
}

/** What an edit, a deletion, a reaction or a title showed at once is put back, unless something newer stands there. */
export async function putBack(db: AparteDb, row: OutboxRow, me: string): Promise<void> {
  const { intent, before } = row;
  if (intent.kind !== 'message' || !before) return;
  const pending = pendingOrder + row.id;
  const { content } = intent;
  if (content.kind === 'group') {
    const conversation = await db.conversations.get(row.conversationId);
    if (conversation?.title === content.title)
      await db.conversations.update(row.conversationId, { title: before.title ?? null });
    return;
  }
  if (!('target' in content)) return;
  const target = await db.messages.get(content.target);
  if (target && undo(target, content, before, pending, me)) {
    await db.messages.put(target);
    await storeFollowed(db, target);
  }
  // A later wish about the same message was made upon this one: it falls back upon what this one stood upon.
  const later = await db.outbox.where('conversationId').equals(row.conversationId).toArray();
  for (const other of later) {
    if (!other.before || other.id < row.id || targetOf(other.intent) !== content.target) continue;
    const changed = undo(other.before, content, before, pending, me);
    if (changed) await db.outbox.update(other.id, { before: other.before });
  }
}

type Shown = Pick<MessageRow, 'body' | 'deleted' | 'editSeq' | 'reactions'>;

function undo(shown: Shown, content: Content, before: Shown, pending: number, me: string): boolean {
  if (content.kind === 'edit') {
    if (shown.editSeq !== pending) return false;
    shown.editSeq = before.editSeq;
    if (!shown.deleted) shown.body = before.body;
    return true;
  }
  if (content.kind === 'delete') {
    if (!shown.deleted || before.deleted) return false;
    shown.deleted = false;
    shown.body = before.body;
    return true;
  }
  if (content.kind !== 'react' || shown.reactions[me]?.seq !== pending) return false;
  const mine = before.reactions[me];
  if (mine) shown.reactions[me] = mine;
  else delete shown.reactions[me];
  return true;
}

/** A change of the members that was not made must not be told of. */
export async function dropNotice(db: AparteDb, intent: Intent): Promise<void> {
  if ((intent.kind !== 'add' && intent.kind !== 'remove') || !intent.noticeId) return;
  const { noticeId } = intent;
  const message = await db.messages.get(noticeId);
  if (message?.status !== 'queued') return;
  await dropMessage(db, message);
  const rows = await db.outbox.where('conversationId').equals(message.conversationId).toArray();
  for (const row of rows)
    if (row.intent.kind === 'message' && row.intent.messageId === noticeId) await withdraw(db, row);
}

/** A conversation that was not made takes nothing: each message says so, and keeps its text. */
async function failAll(db: AparteDb, conversationId: string, failure: ErrorCode): Promise<void> {
  const rows = await db.outbox.where('conversationId').equals(conversationId).toArray();
  for (const { id, intent } of rows) {
    await db.outbox.delete(id);
    if (intent.kind === 'message') await db.messages.update(intent.messageId, { status: 'failed', failure });
  }
}

async function tell(
  db: AparteDb,
  { row, code, at }: { row: OutboxRow; code: ErrorCode; at: number },
): Promise<void> {
  const refusal: Refusal = { id: row.id, conversationId: row.conversationId, intent: row.intent, code, at };
  const told = (await db.readMeta('refusals')) ?? [];
  await db.writeMeta('refusals', [...told, refusal].slice(-refusalsKept));
}
