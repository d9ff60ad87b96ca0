import { sql } from 'kysely';
import type * as z from 'zod';
import type { BackupPage, pullBackup, storeBackup } from '../../lib/protocol/backup';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import type { Asker, Ground } from '../ground';

/**
 * Appends a page of sender keys, encrypted for the account's own devices. The same page again changes nothing.
 * @returns the page's number
 * @throws conflict when the backup is full
 */
export async function store(
  { db }: Ground,
  asker: Asker,
  { clientId, page }: z.infer<typeof storeBackup>,
): Promise<{ seq: number }> {
  return db.transaction().execute(async (trx) => {
    const user = await trx
      .selectFrom('users')
      .select('backup_seq')
      .where('id', '=', asker.userId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const known = await trx
      .selectFrom('key_backups')
      .select('seq')
      .where('device_id', '=', asker.deviceId)
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    if (known !== undefined) return { seq: known.seq };
    const seq = user.backup_seq + 1;
    if (seq > limits.backupPagesPerUser) throw new AparteError('conflict');
    await trx
      .insertInto('key_backups')
      .values({ user_id: asker.userId, seq, device_id: asker.deviceId, client_id: clientId, page })
      .execute();
    await trx.updateTable('users').set({ backup_seq: seq }).where('id', '=', asker.userId).execute();
    return { seq };
  });
}

/** Pages after a number, oldest first, and the number of the last one there is. */
export async function pull(
  { db }: Ground,
  asker: Asker,
  { after }: z.infer<typeof pullBackup>,
): Promise<{ pages: BackupPage[]; lastSeq: number }> {
  const user = await db
    .selectFrom('users')
    .select('backup_seq')
    .where('id', '=', asker.userId)
    .executeTakeFirstOrThrow();
  const pages = await db
    .selectFrom('key_backups')
    .select(['seq', 'page'])
    .where('user_id', '=', asker.userId)
    .where('seq', '>', sql<number>`${after}::bigint`)
    .orderBy('seq')
    .limit(limits.backupPagesPerPull)
    .execute();
  return { pages, lastSeq: user.backup_seq };
}

/** Replaces what the account knows beside its messages. */
export async function storeState({ db }: Ground, asker: Asker, { page }: { page: string }): Promise<void> {
  await db
    .insertInto('account_states')
    .values({ user_id: asker.userId, page })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ page }))
    .execute();
}

export async function state({ db }: Ground, asker: Asker): Promise<{ page: string | null }> {
  const row = await db
    .selectFrom('account_states')
    .select('page')
    .where('user_id', '=', asker.userId)
    .executeTakeFirst();
  return { page: row?.page ?? null };
}
