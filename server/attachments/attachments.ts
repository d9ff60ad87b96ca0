import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import type { Db } from '../db/database';
import type { Asker, Ground } from '../ground';

/**
 * Keeps a ciphertext under its hash until its owner takes it back. The same again changes nothing: a device that has
 * heard no answer sends it once more.
 * @throws invalid_input for bytes that are not what the address says, too_large, and quota_exceeded
 */
export async function storeAttachment(
  { db, now, metrics }: Pick<Ground, 'db' | 'now' | 'metrics'>,
  asker: Asker,
  address: string,
  bytes: Uint8Array,
): Promise<void> {
  if (bytes.length > limits.attachmentMaxBytes) throw new AparteError('too_large');
  if (createHash('sha256').update(bytes).digest('base64url') !== address)
    throw new AparteError('invalid_input');
  const known = await db.selectFrom('attachments').select('address').where('address', '=', address).execute();
  if (known.length > 0) return;
  // Two at once may both find room for the last: a few pictures beyond the bound harm nobody.
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(size_bytes), 0)::double precision as bytes from attachments where user_id = ${asker.userId}
  `.execute(db);
  if ((rows[0]?.bytes ?? 0) + bytes.length > limits.attachmentBytesPerUser)
    throw new AparteError('quota_exceeded');
  await db
    .insertInto('attachments')
    .values({
      address,
      user_id: asker.userId,
      size_bytes: bytes.length,
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      created_at: now(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  metrics.attachmentsStored.add();
}

/** Whoever knows the address may have it: without the key, which travels in the message, it is noise. */
export async function readAttachment(db: Db, address: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const row = await db
    .selectFrom('attachments')
    .select('bytes')
    .where('address', '=', address)
    .executeTakeFirst();
  return row && Uint8Array.from(row.bytes);
}

/** Its message was deleted. What is not the asker's, or not there any more, stays as it is. */
export async function removeAttachment(
  { db }: Pick<Ground, 'db'>,
  asker: Asker,
  address: string,
): Promise<void> {
  await db
    .deleteFrom('attachments')
    .where('address', '=', address)
    .where('user_id', '=', asker.userId)
    .execute();
}
