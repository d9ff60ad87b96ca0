import type { AparteDb, OutboxRow } from './db';

/**
 * Takes a message out of the outbox that was never tried, or was refused for good. The envelopes of what was encrypted for it go with the next
 * one, since the machine counts them as delivered; if there is none, the next one starts with a new key. Inside a
 * transaction over `outbox` and `conversations`.
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
