import { sql } from 'kysely';
import type { Device } from '../../lib/protocol/accounts';
import { AparteError } from '../../lib/protocol/errors';
import type { Revocation, UserKeys } from '../../lib/protocol/keys';
import { limits } from '../../lib/protocol/limits';
import { bumpRostersOf } from '../conversations/roster-change';
import type { Asker, Ground } from '../ground';
import { checkRevocation } from './signatures';
import { hashOf } from './tokens';

/** The asker's devices, oldest first, without revoked ones. */
export async function list({ db }: Ground, asker: Asker): Promise<Device[]> {
  const rows = await db
    .selectFrom('devices')
    .select(['id', 'name', 'type', 'created_at', 'last_seen_at', 'linked_by'])
    .where('user_id', '=', asker.userId)
    .where('revoked_at', 'is', null)
    .where('signature', 'is not', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    deviceId: row.id,
    name: row.name,
    type: row.type,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    linkedBy: row.linked_by,
    current: row.id === asker.deviceId,
  }));
}

/** @throws not_found for a device that is not the asker's */
export async function rename({ db }: Ground, asker: Asker, deviceId: string, name: string): Promise<void> {
  const done = await db
    .updateTable('devices')
    .set({ name })
    .where('id', '=', deviceId)
    .where('user_id', '=', asker.userId)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (done === undefined) throw new AparteError('not_found');
}

/**
 * Shuts a device of the asker's out, signed by the account's master key: its token dies, its keys and waiting envelopes are deleted, its connection is
 * closed, and every conversation of the user gets a new version, so that nothing is encrypted for it any more.
 * A second time changes nothing.
 * @throws not_found for a device that is not the asker's, bad_signature, conflict when the time is not about now
 */
export async function revoke(ground: Ground, asker: Asker, revocation: Revocation): Promise<void> {
  const { deviceId, at, signature } = revocation;
  const change = await ground.db.transaction().execute(async (trx) => {
    const owner = await trx
      .selectFrom('users')
      .select('master_key')
      .where('id', '=', asker.userId)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow();
    const device = await trx
      .selectFrom('devices')
      .select('revoked_at')
      .where('id', '=', deviceId)
      .where('user_id', '=', asker.userId)
      .forUpdate()
      .executeTakeFirst();
    if (device === undefined) throw new AparteError('not_found');
    if (device.revoked_at !== null) return null;
    checkRevocation(asker.userId, revocation, owner.master_key);
    if (Math.abs(at - ground.now()) > limits.revocationSkewMs) throw new AparteError('conflict');
    const notices = await bumpRostersOf(trx, asker.userId);
    const user = await trx
      .updateTable('users')
      .set({ devices_version: sql`devices_version + 1` })
      .where('id', '=', asker.userId)
      .returning('devices_version')
      .executeTakeFirstOrThrow();
    await trx
      .updateTable('devices')
      .set({
        revoked_at: ground.now(),
        revocation_at: at,
        revocation_signature: signature,
        signed_pre_key_id: null,
        signed_pre_key: null,
      })
      .where('id', '=', deviceId)
      .execute();
    await trx.deleteFrom('one_time_keys').where('device_id', '=', deviceId).execute();
    await trx.deleteFrom('envelopes').where('recipient_device_id', '=', deviceId).execute();
    await trx.deleteFrom('push_subscriptions').where('device_id', '=', deviceId).execute();
    return { rosters: notices, devicesVersion: user.devices_version };
  });
  if (change === null) return;
  ground.notices.deviceRevoked({ userId: asker.userId, deviceId });
  ground.notices.devicesChanged({
    event: 'device:revoked',
    userId: asker.userId,
    devicesVersion: change.devicesVersion,
  });
  for (const roster of change.rosters) ground.notices.rosterChanged(roster);
}

/** A revoked device says that it keeps nothing any more; the token of any other changes nothing. */
export async function wiped({ db, now, notices }: Ground, token: string | undefined): Promise<void> {
  if (token === undefined) return;
  const device = await db
    .updateTable('devices')
    .set({ wiped_at: now() })
    .where('token_hash', '=', hashOf(token))
    .where('revoked_at', 'is not', null)
    .where('wiped_at', 'is', null)
    .returning(['user_id'])
    .executeTakeFirst();
  if (device === undefined) return;
  const user = await db
    .selectFrom('users')
    .select('devices_version')
    .where('id', '=', device.user_id)
    .executeTakeFirstOrThrow();
  notices.deviceWiped({ userId: device.user_id, devicesVersion: user.devices_version });
}

/** Grows whenever a device of the asker's account comes or goes. */
export async function version(
  { db, now }: Ground,
  asker: Asker,
): Promise<{ devicesVersion: number; at: number }> {
  const row = await db
    .selectFrom('users')
    .select('devices_version')
    .where('id', '=', asker.userId)
    .executeTakeFirstOrThrow();
  return { devicesVersion: row.devices_version, at: now() };
}

/** What has become of a device that the asker has revoked. */
export async function revoked(
  { db }: Ground,
  asker: Asker,
  deviceId: string,
): Promise<{ wipedAt: number | null }> {
  const row = await db
    .selectFrom('devices')
    .select('wiped_at')
    .where('id', '=', deviceId)
    .where('user_id', '=', asker.userId)
    .where('revoked_at', 'is not', null)
    .executeTakeFirst();
  if (row === undefined) throw new AparteError('not_found');
  return { wipedAt: row.wiped_at };
}

/** Keys and devices of the asker and of those who share a conversation with them; others are left out. */
export async function keysOf({ db }: Ground, asker: Asker, userIds: readonly string[]): Promise<UserKeys[]> {
  if (userIds.length === 0) return [];
  const users = await db
    .selectFrom('users as u')
    .select(['u.id', 'u.devices_version', 'u.master_key', 'u.self_signing_key', 'u.user_signing_key'])
    .where('u.id', 'in', [...new Set(userIds)])
    .where((eb) =>
      eb.or([
        eb('u.id', '=', asker.userId),
        eb.exists(
          eb
            .selectFrom('members as mine')
            .innerJoin('members as theirs', 'theirs.conversation_id', 'mine.conversation_id')
            .select('mine.user_id')
            .where('mine.user_id', '=', asker.userId)
            .where('mine.state', 'in', ['active', 'requested'])
            .whereRef('theirs.user_id', '=', 'u.id')
            .where('theirs.state', '<>', 'left'),
        ),
      ]),
    )
    .execute();
  if (users.length === 0) return [];
  // One look: a device must not be seen as listed and as shut out, nor as neither.
  const devices = await db
    .selectFrom('devices')
    .select(['id', 'user_id', 'device_keys', 'revoked_at', 'revocation_at', 'revocation_signature'])
    .where(
      'user_id',
      'in',
      users.map((user) => user.id),
    )
    .where('signature', 'is not', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return users.map((user) => ({
    userId: user.id,
    devicesVersion: user.devices_version,
    masterKey: user.master_key,
    selfSigningKey: user.self_signing_key,
    userSigningKey: user.id === asker.userId ? user.user_signing_key : null,
    devices: devices
      .filter((device) => device.user_id === user.id && device.revoked_at === null)
      .map((device) => ({ deviceId: device.id, deviceKeys: device.device_keys })),
    revocations: devices
      .filter((device) => device.user_id === user.id)
      .flatMap(({ id: deviceId, revocation_at: at, revocation_signature: signature }) =>
        at === null || signature === null ? [] : [{ deviceId, at, signature }],
      )
      .sort((a, b) => b.at - a.at)
      .slice(0, limits.revocationsPerUser),
  }));
}

/** Which of these devices are shut out. */
export async function revokedAmong(db: Ground['db'], deviceIds: readonly string[]): Promise<string[]> {
  if (deviceIds.length === 0) return [];
  const rows = await db
    .selectFrom('devices')
    .select('id')
    .where('id', 'in', [...deviceIds])
    .where('revoked_at', 'is not', null)
    .execute();
  return rows.map((row) => row.id);
}
