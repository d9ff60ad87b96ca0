import type { MemberState } from '../protocol/conversations';
import { deleteMessage, editMessage, retry } from './change-intents';
import type { AparteDb, Intent, OutboxRow } from './db';
import { addMembers, removeMember, setTitle } from './group-intents';
import { type Author, enqueue, react, signedIn } from './intents';
import { dropWaiting, forgetPictures } from './picture-rows';
import { dropMessage } from './preview';
import type { Refusal } from './refusals';
import { dropNotice, putBack } from './refusals';

/** What was refused in a conversation and was not looked at yet. */
export async function refusals(db: AparteDb, conversationId: string): Promise<Refusal[]> {
  return ((await db.readMeta('refusals')) ?? []).filter((one) => one.conversationId === conversationId);
}

/** What waits in a conversation besides messages and marks, in the order of asking. */
export async function waitingChanges(db: AparteDb, conversationId: string): Promise<OutboxRow[]> {
  const rows = await db.outbox.where('conversationId').equals(conversationId).toArray();
  return rows.filter(({ intent }) => intent.kind !== 'message' && intent.kind !== 'mark');
}

/** Messages of a conversation of which an edit, a deletion or a reaction waits to be sent. */
export async function waitingTargets(db: AparteDb, conversationId: string): Promise<Set<string>> {
  const rows = await db.outbox.where('conversationId').equals(conversationId).toArray();
  return new Set(
    rows.flatMap(({ intent }) =>
      intent.kind === 'message' && 'target' in intent.content ? [intent.content.target] : [],
    ),
  );
}

/** The refusal was seen. A conversation that could not be made, and in which nothing stands, goes with it. */
export async function dismissRefusal({ db }: Author, { id, conversationId, intent }: Refusal): Promise<void> {
  const tables = [db.meta, db.conversations, db.messages, db.pictures, db.transfers];
  await db.transaction('rw', tables, async () => {
    const told = (await db.readMeta('refusals')) ?? [];
    await db.writeMeta(
      'refusals',
      told.filter((one) => one.id !== id),
    );
    const conversation = await db.conversations.get(conversationId);
    if (intent.kind !== 'create' || conversation?.rosterVersion !== 0) return;
    const messages = db.messages
      .where('[conversationId+order]')
      .between([conversationId, 0], [conversationId, []]);
    await forgetPictures(db, await messages.toArray());
    await dropWaiting(db, conversationId);
    await messages.delete();
    await db.conversations.delete(conversationId);
  });
}

/** Asks once more for what was refused. */
export async function retryRefusal(author: Author, refusal: Refusal): Promise<void> {
  const { db } = author;
  const { intent, conversationId } = refusal;
  const told = (await db.readMeta('refusals')) ?? [];
  if (!told.some((one) => one.id === refusal.id)) return;
  await db.writeMeta(
    'refusals',
    told.filter((one) => one.id !== refusal.id),
  );
  if (intent.kind === 'message') await sayAgain(author, conversationId, intent);
  else if (intent.kind === 'add') {
    const people = (await db.people.bulkGet(intent.userIds)).flatMap((person) => person ?? []);
    await addMembers(author, conversationId, people);
  } else if (intent.kind === 'remove') await removeMember(author, conversationId, intent.userId);
  else await askAgain(author, conversationId, intent);
}

async function sayAgain(
  author: Author,
  conversationId: string,
  intent: Extract<Intent, { kind: 'message' }>,
) {
  const { content } = intent;
  if (content.kind === 'group') {
    if (content.title !== null) await setTitle(author, conversationId, content.title);
    await dropNoticeOf(author.db, intent.messageId);
  }
  if (!('target' in content)) return;
  const target = await author.db.messages.get(content.target);
  if (!target) return;
  if (content.kind === 'edit') await editMessage(author, target, content.body);
  else if (content.kind === 'delete') await deleteMessage(author, target);
  else await react(author, target, content.emoji);
}

const dropNoticeOf = (db: AparteDb, messageId: string) =>
  db.transaction('rw', db.messages, db.conversations, async () => {
    const message = await db.messages.get(messageId);
    if (message) await dropMessage(db, message);
  });

async function askAgain(author: Author, conversationId: string, intent: Intent): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.outbox, db.meta, db.messages], async () => {
    await enqueue(author, conversationId, intent);
    if (intent.kind !== 'create') return;
    const failed = await db.messages
      .where('[conversationId+order]')
      .between([conversationId, 0], [conversationId, []])
      .filter((row) => row.status === 'failed')
      .primaryKeys();
    for (const messageId of failed) await retry(author, messageId);
  });
}

/**
 * Takes back a change that waits to be done. One that the engine is doing at this moment is done all the same, and
 * shows as it then is.
 */
export async function cancelChange({ db }: Author, row: OutboxRow): Promise<void> {
  const tables = [db.outbox, db.messages, db.conversations, db.meta];
  await db.transaction('rw', tables, async () => {
    const { userId } = await signedIn(db);
    await db.outbox.delete(row.id);
    await dropNotice(db, row.intent);
    await putBack(db, row, userId);
    const myState = stateBefore(row.intent);
    if (myState) await db.conversations.update(row.conversationId, { myState });
  });
}

function stateBefore(intent: Intent): MemberState | null {
  if (intent.kind === 'accept') return 'requested';
  if (intent.kind === 'block') return intent.was ?? 'active';
  return intent.kind === 'unblock' ? 'blocked' : null;
}
