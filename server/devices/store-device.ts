import type { Transaction } from 'kysely';
import type * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import type { registerDevice } from '../../lib/protocol/linking';
import type { Database } from '../db/schema';
import { storePreKeys } from './pre-keys';
import type { DeviceIdentity } from './signatures';
import { hashOf } from './tokens';

/**
 * Stores a new device and its prekeys, all signatures checked before.
 * @param identity without a signature while the device waits for its owner's
 * @throws conflict when the id or the idempotency key is in use
 */
export async function storeDevice(
  trx: Transaction<Database>,
  wish: Omit<z.infer<typeof registerDevice>, 'grant'>,
  identity: Omit<DeviceIdentity, 'signature'> & { signature: string | null },
  given: { userId: string; tokenHash: Buffer; now: number; linkedBy: string | null },
): Promise<void> {
  const stored = await trx
    .insertInto('devices')
    .values({
      id: wish.deviceId,
      user_id: given.userId,
      identity_key: identity.identityKey,
      signing_key: identity.signingKey,
      device_keys: JSON.stringify(wish.deviceKeys),
      signed_pre_key_id: null,
      signed_pre_key: null,
      signature: identity.signature,
      name: wish.deviceName,
      type: wish.deviceType,
      token_hash: given.tokenHash,
      registration_hash: hashOf(wish.idempotencyKey),
      created_at: given.now,
      last_seen_at: given.now,
      revoked_at: null,
      linked_by: given.linkedBy,
      wiped_at: null,
      revocation_at: null,
      revocation_signature: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (stored === undefined) throw new AparteError('conflict');
  await storePreKeys(trx, wish.deviceId, wish);
}
