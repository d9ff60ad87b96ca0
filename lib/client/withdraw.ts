import { type AparteDb, type MessageRow, type OutboxRow, targetOf } from './db';

/**
 * Takes a row out of the outbox that was never tried, or was refused for good. The envelopes of what was encrypted for
 * it go with the next one, since the machine counts them as delivered; if there is none, the next one starts with a new
 * key. Inside a transaction over `outbox` and `conversations`.
 */
export async function withdraw(db: AparteDb, row: OutboxRow): Promise<void> {
  const { id, conversationId } = row;
  await db.outbox.delete(id);
  const envelopes = envelopesOf(row);
  if (envelopes.length === 0) return;
  const next = await db.outbox
    .where('conversationId')
    .equals(conversationId)
    .filter((other) => other.id > id && other.intent.kind === 'message' && !other.sealed?.tried)
    .first();
  if (!next) await db.conversations.update(conversationId, { mustRotate: true });
  else if (next.sealed)
    await db.outbox.update(next.id, {
      sealed: { ...next.sealed, envelopes: [...envelopes, ...next.sealed.envelopes] },
    });
  else await db.outbox.update(next.id, { envelopes: [...envelopes, ...envelopesOf(next)] });
}

/** What goes along when this row is encrypted anew. */
export const envelopesOf = ({ sealed, envelopes }: OutboxRow) => sealed?.envelopes ?? envelopes ?? [];

interface Unsent {
  row?: MessageRow;
  /** Its row in the outbox; none when it has failed. */
  waiting?: OutboxRow | undefined;
  /** What waits to be done to it. */
  changes: OutboxRow[];
}

/** A message of mine that nobody has got: it was refused, or its bytes were never tried, and so cannot arrive. */
export async function unsent(db: AparteDb, messageId: string): Promise<Unsent> {
  const row = await db.messages.get(messageId);
  if (row?.status !== 'queued' && row?.status !== 'failed') return { changes: [] };
  const rows = await db.outbox.where('conversationId').equals(row.conversationId).toArray();
  const waiting = rows.find(({ intent }) => intent.kind === 'message' && intent.messageId === messageId);
  if (waiting?.sealed?.tried) return { changes: [] };
  return { row, waiting, changes: rows.filter(({ intent }) => targetOf(intent) === messageId) };
}
