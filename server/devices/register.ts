import { sql } from 'kysely';
import type * as z from 'zod';
import type { Account } from '../../lib/protocol/accounts';
import { AparteError } from '../../lib/protocol/errors';
import type { signedDeviceKeys } from '../../lib/protocol/keys';
import { limits } from '../../lib/protocol/limits';
import type { registerDevice, signDevice } from '../../lib/protocol/linking';
import { bumpRostersOf } from '../conversations/roster-change';
import type { Asker, Ground } from '../ground';
import { canonicalJson, checkNewDevice, checkSignedDevice } from './signatures';
import { storeDevice } from './store-device';
import { hashOf, newToken } from './tokens';

type Register = z.infer<typeof registerDevice>;

/** Lets one new device register, for five minutes. @returns 32 random bytes as base64url */
export async function link({ db, now }: Ground, asker: Asker): Promise<{ grant: string }> {
  await db
    .deleteFrom('link_grants')
    .where('expires_at', '<', now() - limits.linkTtlMs)
    .execute();
  const { token: grant, tokenHash: hash } = newToken();
  await db
    .insertInto('link_grants')
    .values({
      hash,
      user_id: asker.userId,
      by_device_id: asker.deviceId,
      expires_at: now() + limits.linkTtlMs,
      device_id: null,
    })
    .execute();
  return { grant };
}

/**
 * Registers a device with the grant of another. It can do nothing until that one has signed it. Asked again with the
 * same idempotency key it gets a new token and changes nothing else.
 * @throws link_expired, link_used, bad_signature, too_many_devices, conflict when the id is in use
 */
export async function register(ground: Ground, wish: Register): Promise<{ account: Account; token: string }> {
  const now = ground.now();
  const { token, tokenHash } = newToken();
  const account = await ground.db.transaction().execute(async (trx) => {
    const grant = await trx
      .selectFrom('link_grants as g')
      .innerJoin('users as u', 'u.id', 'g.user_id')
      .innerJoin('devices as d', 'd.id', 'g.by_device_id')
      .select(['g.user_id', 'g.by_device_id', 'g.expires_at', 'g.device_id', 'u.handle', 'd.revoked_at'])
      .where('g.hash', '=', hashOf(wish.grant))
      .forUpdate('g')
      .executeTakeFirst();
    if (grant === undefined || grant.expires_at <= now || grant.revoked_at !== null)
      throw new AparteError('link_expired');
    const userId = grant.user_id;
    const identity = checkNewDevice(userId, wish.deviceId, wish);
    if (grant.device_id !== null) {
      const again = await trx
        .updateTable('devices')
        .set({ token_hash: tokenHash })
        .where('id', '=', wish.deviceId)
        .where('registration_hash', '=', hashOf(wish.idempotencyKey))
        .where('revoked_at', 'is', null)
        .returning('id')
        .executeTakeFirst();
      if (again === undefined || grant.device_id !== wish.deviceId) throw new AparteError('link_used');
      return { userId, handle: grant.handle, deviceId: wish.deviceId };
    }
    const { count } = await trx
      .selectFrom('devices')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .where('revoked_at', 'is', null)
      .where('signature', 'is not', null)
      .executeTakeFirstOrThrow();
    if (count >= limits.devicesPerUser) throw new AparteError('too_many_devices');
    const given = { userId, tokenHash, now, linkedBy: grant.by_device_id };
    await storeDevice(trx, wish, { ...identity, signature: null }, given);
    await trx
      .updateTable('link_grants')
      .set({ device_id: wish.deviceId })
      .where('hash', '=', hashOf(wish.grant))
      .execute();
    return { userId, handle: grant.handle, deviceId: wish.deviceId };
  });
  return { account, token };
}

/** The keys of a device that waits for the asker's signature. @throws not_found */
export async function pending(
  { db }: Ground,
  asker: Asker,
  deviceId: string,
): Promise<z.infer<typeof signedDeviceKeys>> {
  const row = await db
    .selectFrom('devices')
    .select('device_keys')
    .where('id', '=', deviceId)
    .where('linked_by', '=', asker.deviceId)
    .where('signature', 'is', null)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new AparteError('not_found');
  return row.device_keys;
}

/**
 * The owner's signature makes a registered device one of the account: from now on it is told to others, and no send
 * leaves it out. Signing twice changes nothing.
 * @throws not_found unless the asker linked it, bad_signature, conflict when the keys are not the registered ones
 */
export async function sign(ground: Ground, asker: Asker, wish: z.infer<typeof signDevice>): Promise<void> {
  const change = await ground.db.transaction().execute(async (trx) => {
    const owner = await trx
      .selectFrom('users')
      .select('self_signing_key')
      .where('id', '=', asker.userId)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow();
    const device = await trx
      .selectFrom('devices')
      .select(['device_keys', 'signature', 'name'])
      .where('id', '=', wish.deviceId)
      .where('linked_by', '=', asker.deviceId)
      .where('revoked_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (device === undefined) throw new AparteError('not_found');
    const { signature } = checkSignedDevice(
      asker.userId,
      wish.deviceId,
      wish.deviceKeys,
      owner.self_signing_key,
    );
    const unsigned = ({ signatures: _, ...rest }: Register['deviceKeys']) => canonicalJson(rest);
    if (unsigned(device.device_keys) !== unsigned(wish.deviceKeys)) throw new AparteError('conflict');
    if (device.signature !== null) return null;
    const user = await trx
      .updateTable('users')
      .set({ devices_version: sql`devices_version + 1` })
      .where('id', '=', asker.userId)
      .returning('devices_version')
      .executeTakeFirstOrThrow();
    const rosters = await bumpRostersOf(trx, asker.userId);
    await trx
      .updateTable('devices')
      .set({ signature, device_keys: JSON.stringify(wish.deviceKeys) })
      .where('id', '=', wish.deviceId)
      .execute();
    return { rosters, devicesVersion: user.devices_version };
  });
  if (change === null) return;
  ground.notices.devicesChanged({
    event: 'device:linked',
    userId: asker.userId,
    devicesVersion: change.devicesVersion,
  });
  for (const roster of change.rosters) ground.notices.rosterChanged(roster);
}
