import { limits } from '../protocol/limits';
import type { AparteDb, MessageRow, OrphanRow } from './db';
import { pendingOrder, targetOf } from './db';
import { isMissing, without } from './gaps';
import { recentMessages } from './history';
import type { Author } from './intents';

/**
 * Deletes the messages of a conversation from this device, all but the newest and those that are not read or not sent.
 * The server keeps their ciphertext and this device their keys: they come back when somebody scrolls up to them with a
 * connection. What has been done to them since stays here, so that they come back as they are now.
 * @returns how many were deleted
 */
export async function freeConversation({ db }: Author, conversationId: string): Promise<number> {
  const tables = [db.messages, db.conversations, db.orphans, db.outbox, db.pictures];
  return db.transaction('rw', tables, async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation) return 0;
    const kept = await numbered(db, conversationId).reverse().limit(recentMessages).toArray();
    const oldest = kept.at(-1)?.seq ?? 0;
    const unread = conversation.unread > 0 ? conversation.readSeq + 1 : Number.POSITIVE_INFINITY;
    const upTo = Math.min(oldest, unread) - 1;
    const rows = await db.messages
      .where('[conversationId+order]')
      .between([conversationId, 0], [conversationId, upTo], true, true)
      .toArray();
    // What an own change waits for stays: once that is sent, it is settled in its message.
    const waiting = await db.outbox.where('conversationId').equals(conversationId).toArray();
    const targets = new Set(waiting.map(({ intent }) => targetOf(intent)));
    const freed = rows.filter((row) => row.kind !== 'sealed' && !targets.has(row.id));
    if (freed.length === 0) return 0;
    await db.orphans.bulkPut(freed.flatMap(changesOf));
    await db.messages.bulkDelete(freed.map((row) => row.id));
    await db.pictures.bulkDelete(freed.map((row) => row.id));
    const gaps = without(conversation.gaps, { after: conversation.joinedSeq, upTo });
    const freedSeq = Math.max(upTo, conversation.freedSeq ?? 0);
    await db.conversations.update(conversationId, { gaps, freedSeq });
    return freed.length;
  });
}

/** Somebody wants to read on above what is here: the engine fetches the next page. */
export async function fetchOlder({ db, now }: Author, conversationId: string): Promise<void> {
  await db.transaction('rw', db.conversations, db.meta, async () => {
    const conversation = await db.conversations.get(conversationId);
    const { joinedSeq = 0, freedSeq = 0, gaps = [] } = conversation ?? {};
    // There is nothing, or a page is on its way already.
    if (freedSeq <= joinedSeq || isMissing(gaps, freedSeq + 1)) return;
    const next = Math.max(joinedSeq, freedSeq - limits.pullPageSize);
    await db.conversations.update(conversationId, {
      freedSeq: next,
      gaps: [...gaps, { after: next, upTo: freedSeq }],
    });
    await db.writeMeta('olderWanted', { at: now() });
  });
}

const numbered = (db: AparteDb, conversationId: string) =>
  db.messages.where('[conversationId+order]').between([conversationId, 0], [conversationId, pendingOrder]);

/** Edits, deletes and reactions, as they wait for their message. */
function changesOf(row: MessageRow): OrphanRow[] {
  const { id: target, conversationId, senderId } = row;
  const change = (name: string, seq: number, by: string, content: OrphanRow['content']): OrphanRow => ({
    id: `${target} ${name}`,
    target,
    conversationId,
    seq,
    senderId: by,
    content,
  });
  const changes: OrphanRow[] = [];
  if (row.deleted) changes.push(change('delete', row.seq ?? 0, senderId, { kind: 'delete', target }));
  else if (row.editSeq > 0)
    changes.push(change('edit', row.editSeq, senderId, { kind: 'edit', target, body: row.body }));
  for (const [userId, { emoji, seq }] of Object.entries(row.reactions))
    changes.push(change(userId, seq, userId, { kind: 'react', target, emoji }));
  return changes;
}
