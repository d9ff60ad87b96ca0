import { ECDH } from 'node:crypto';
import { sql } from 'kysely';
import { AparteError } from '../../lib/protocol/errors';
import type { PushSubscriptionKeys } from '../../lib/protocol/push';
import type { Db } from '../db/database';
import type { Asker, Ground } from '../ground';
import { type EndpointPolicy, isAllowedEndpoint } from './endpoints';

/** A device and where it is woken. */
export interface Subscription extends PushSubscriptionKeys {
  deviceId: string;
  userId: string;
}

/**
 * Keeps where the asker's device wants to be woken, instead of where it wanted before.
 * @throws invalid_input for an address that the server does not call, or a key that is none
 */
export async function subscribe(
  { db, now }: Ground,
  asker: Asker,
  { endpoint, p256dh, auth }: PushSubscriptionKeys,
  policy: EndpointPolicy,
): Promise<void> {
  if (!isAllowedEndpoint(endpoint, policy) || !isPoint(p256dh)) throw new AparteError('invalid_input');
  const row = { endpoint, p256dh, auth, created_at: now() };
  await db.transaction().execute(async (trx) => {
    // Held, so that a device that is being shut out does not leave one behind.
    const device = await trx
      .selectFrom('devices')
      .select('id')
      .where('id', '=', asker.deviceId)
      .where('revoked_at', 'is', null)
      .forShare()
      .executeTakeFirst();
    if (device === undefined) throw new AparteError('device_revoked');
    // One browser profile, which had another account before: only its newest device is woken there.
    await trx
      .deleteFrom('push_subscriptions')
      .where('endpoint', '=', endpoint)
      .where('device_id', '<>', asker.deviceId)
      .execute();
    await trx
      .insertInto('push_subscriptions')
      .values({ device_id: asker.deviceId, user_id: asker.userId, ...row })
      .onConflict((conflict) => conflict.column('device_id').doUpdateSet(row))
      .execute();
  });
}

/** The asker's device is not woken any more. */
export async function unsubscribe({ db }: Ground, asker: Asker): Promise<void> {
  await db.deleteFrom('push_subscriptions').where('device_id', '=', asker.deviceId).execute();
}

/** Where the devices of these users, and these devices, are woken. */
export async function subscriptionsOf(
  db: Db,
  userIds: readonly string[],
  deviceIds: readonly string[],
): Promise<Subscription[]> {
  const rows = await db
    .selectFrom('push_subscriptions')
    .select(['device_id', 'user_id', 'endpoint', 'p256dh', 'auth'])
    .where(sql<boolean>`(user_id = any(${userIds}::uuid[]) or device_id = any(${deviceIds}::uuid[]))`)
    .execute();
  return rows.map(({ device_id: deviceId, user_id: userId, endpoint, p256dh, auth }) => ({
    deviceId,
    userId,
    endpoint,
    p256dh,
    auth,
  }));
}

/** The push service does not know the address any more; one that has replaced it meanwhile stays. */
export async function prune(db: Db, { deviceId, endpoint }: Subscription): Promise<void> {
  await db
    .deleteFrom('push_subscriptions')
    .where('device_id', '=', deviceId)
    .where('endpoint', '=', endpoint)
    .execute();
}

function isPoint(p256dh: string): boolean {
  try {
    ECDH.convertKey(p256dh, 'prime256v1', 'base64url', 'base64url', 'compressed');
    return true;
  } catch {
    // Not on the curve: nothing could be encrypted for it.
    return false;
  }
}
