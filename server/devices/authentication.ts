import { AparteError } from '../../lib/protocol/errors';
import type { Asker, Ground } from '../ground';
import { hashOf } from './tokens';

/** Last-seen is for a list that people read: once a minute is enough. */
const lastSeenStepMs = 60_000;

/**
 * The device that a token belongs to, or undefined, also while it waits for its owner's signature. Notes that it was
 * seen.
 * @throws device_revoked for the token of one that its owner has shut out: it must learn so at its first contact
 */
export async function authenticate(
  ground: Pick<Ground, 'db' | 'now'>,
  token: string | undefined,
): Promise<Asker | undefined> {
  if (token === undefined) return undefined;
  const row = await ground.db
    .selectFrom('devices')
    .select(['id', 'user_id', 'last_seen_at', 'revoked_at', 'signature'])
    .where('token_hash', '=', hashOf(token))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.revoked_at !== null) throw new AparteError('device_revoked');
  if (row.signature === null) return undefined;
  const now = ground.now();
  if (row.last_seen_at <= now - lastSeenStepMs)
    await ground.db
      .updateTable('devices')
      .set({ last_seen_at: now })
      .where('id', '=', row.id)
      .where('last_seen_at', '<=', now - lastSeenStepMs)
      .execute();
  return { userId: row.user_id, deviceId: row.id };
}
