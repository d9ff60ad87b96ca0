import { timingSafeEqual } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type * as z from 'zod';
import type { Account } from '../../lib/protocol/accounts';
import type { openRecovery, Recovery, recoverDevice, storeRecovery } from '../../lib/protocol/backup';
import { AparteError } from '../../lib/protocol/errors';
import { bumpRostersOf } from '../conversations/roster-change';
import type { Database } from '../db/schema';
import { checkPreKeys, checkSignedDevice } from '../devices/signatures';
import { storeDevice } from '../devices/store-device';
import { hashOf, newToken } from '../devices/tokens';
import type { Asker, Ground } from '../ground';

/**
 * The way back after all devices are lost. The server keeps the account's keys encrypted under the recovery key, and
 * the hash of a secret that is derived from it: it hands the one out to whoever brings the other.
 */
export async function store(
  { db, now }: Ground,
  asker: Asker,
  { authentication, bundle }: z.infer<typeof storeRecovery>,
): Promise<{ storedAt: number }> {
  const row = { authentication_hash: hashOf(authentication), bundle, created_at: now() };
  await db
    .insertInto('recoveries')
    .values({ user_id: asker.userId, ...row })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet(row))
    .execute();
  return { storedAt: row.created_at };
}

/** Whether the account can be recovered, and since when. */
export async function status({ db }: Ground, asker: Asker): Promise<{ storedAt: number | null }> {
  const row = await db
    .selectFrom('recoveries')
    .select('created_at')
    .where('user_id', '=', asker.userId)
    .executeTakeFirst();
  return { storedAt: row?.created_at ?? null };
}

/** @throws wrong_recovery_key, also for a handle that is unknown or has none */
export async function open({ db }: Ground, proof: z.infer<typeof openRecovery>): Promise<Recovery> {
  return proven(db, proof);
}

/**
 * A device that comes by recovery: it holds the account's keys, has signed itself with them, and is one of the account
 * at once. Asked again with the same idempotency key it gets a new token and changes nothing else.
 * @throws wrong_recovery_key, bad_signature, conflict when the id is in use
 */
export async function register(
  ground: Ground,
  wish: z.infer<typeof recoverDevice>,
): Promise<{ account: Account; token: string }> {
  const { token, tokenHash } = newToken();
  const done = await ground.db.transaction().execute(async (trx) => {
    const { userId, selfSigningKey } = await proven(trx, wish);
    const account = { userId, handle: wish.handle, deviceId: wish.deviceId };
    const identity = checkSignedDevice(userId, wish.deviceId, wish.deviceKeys, selfSigningKey);
    checkPreKeys(userId, wish.deviceId, identity.signingKey, wish);
    await trx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
    const again = await trx
      .updateTable('devices')
      .set({ token_hash: tokenHash })
      .where('id', '=', wish.deviceId)
      .where('user_id', '=', userId)
      .where('registration_hash', '=', hashOf(wish.idempotencyKey))
      .where('revoked_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    if (again !== undefined) return { account, change: null };
    await storeDevice(trx, wish, identity, { userId, tokenHash, now: ground.now(), linkedBy: null });
    const user = await trx
      .updateTable('users')
      .set({ devices_version: sql`devices_version + 1` })
      .where('id', '=', userId)
      .returning('devices_version')
      .executeTakeFirstOrThrow();
    return {
      account,
      change: { rosters: await bumpRostersOf(trx, userId), devicesVersion: user.devices_version },
    };
  });
  if (done.change !== null) {
    const { userId } = done.account;
    const { devicesVersion, rosters } = done.change;
    ground.notices.devicesChanged({ event: 'device:linked', userId, devicesVersion });
    for (const roster of rosters) ground.notices.rosterChanged(roster);
  }
  return { account: done.account, token };
}

async function proven(db: Kysely<Database>, proof: z.infer<typeof openRecovery>): Promise<Recovery> {
  const row = await db
    .selectFrom('users as u')
    .innerJoin('recoveries as r', 'r.user_id', 'u.id')
    .select(['u.id', 'u.master_key', 'u.self_signing_key', 'u.user_signing_key'])
    .select(['r.bundle', 'r.authentication_hash'])
    .where('u.handle', '=', proof.handle)
    .executeTakeFirst();
  const right = row !== undefined && timingSafeEqual(row.authentication_hash, hashOf(proof.authentication));
  if (!right) throw new AparteError('wrong_recovery_key');
  return {
    userId: row.id,
    bundle: row.bundle,
    masterKey: row.master_key,
    selfSigningKey: row.self_signing_key,
    userSigningKey: row.user_signing_key,
  };
}
