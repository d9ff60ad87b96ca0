import { type Kysely, sql } from 'kysely';
import * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import { type keyUpload, type PreKeyBundle, signedPreKey } from '../../lib/protocol/keys';
import { limits } from '../../lib/protocol/limits';
import type { Database } from '../db/schema';
import type { Asker, Ground } from '../ground';
import { checkPreKeys } from './signatures';

type KeyUpload = z.infer<typeof keyUpload>;

/** Unused one-time keys of a device. */
export async function countOneTimeKeys(db: Kysely<Database>, deviceId: string): Promise<number> {
  const row = await db
    .selectFrom('one_time_keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('device_id', '=', deviceId)
    .where('key', 'is not', null)
    .executeTakeFirstOrThrow();
  return row.count;
}

/** A key that was handed out is remembered for so long: an upload that was under way may bring it again. */
const usedKeptMs = 24 * 3600 * 1000;

/** Stores keys whose signatures are checked. What is already known, handed out or not, stays as it is. */
export async function storePreKeys(db: Kysely<Database>, deviceId: string, upload: KeyUpload): Promise<void> {
  const oneTimeKeys = Object.entries(upload.oneTimeKeys);
  if (oneTimeKeys.length > 0)
    await db
      .insertInto('one_time_keys')
      .values(
        oneTimeKeys.map(([keyId, key]) => ({ device_id: deviceId, key_id: keyId, key: JSON.stringify(key) })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  const [signed] = Object.entries(upload.fallbackKeys);
  if (signed !== undefined)
    await db
      .updateTable('devices')
      .set({
        signed_pre_key_id: signed[0],
        signed_pre_key: JSON.stringify(signed[1]),
        signed_pre_key_used: false,
      })
      .where('id', '=', deviceId)
      .where('signed_pre_key_id', 'is distinct from', signed[0])
      .execute();
}

/**
 * Tops up a device's own keys.
 * @throws bad_signature, or conflict when more would wait than the server keeps
 */
export async function upload(
  { db, now }: Ground,
  asker: Asker,
  keys: KeyUpload,
): Promise<{ oneTimeKeyCount: number }> {
  return db.transaction().execute(async (trx) => {
    const device = await trx
      .selectFrom('devices')
      .select('signing_key')
      .where('id', '=', asker.deviceId)
      .where('revoked_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (device === undefined) throw new AparteError('device_revoked');
    checkPreKeys(asker.userId, asker.deviceId, device.signing_key, keys);
    await storePreKeys(trx, asker.deviceId, keys);
    await trx
      .deleteFrom('one_time_keys')
      .where('device_id', '=', asker.deviceId)
      .where('key', 'is', null)
      .where('used_at', '<', now() - usedKeptMs)
      .execute();
    const oneTimeKeyCount = await countOneTimeKeys(trx, asker.deviceId);
    if (oneTimeKeyCount > limits.oneTimeKeysPerDevice) throw new AparteError('conflict');
    return { oneTimeKeyCount };
  });
}

const claimed = z.array(
  z.object({
    userId: z.string(),
    deviceId: z.string(),
    keyId: z.string(),
    key: signedPreKey,
    oneTime: z.boolean(),
    left: z.number(),
    fallbackUnused: z.boolean(),
  }),
);

/**
 * One prekey bundle for each device asked for: a one-time key, which nobody gets a second time, or when none is
 * left the signed prekey. Only for devices of the asker and of people who share a conversation with them; others
 * are left out. Devices that run low are told.
 * @param mayTake whether the asker gets a one-time key of this device, or at once the signed prekey: so nobody drains
 *   one, and a session can always be made
 */
export async function claim(
  ground: Ground,
  asker: Asker,
  wanted: readonly { userId: string; deviceId: string }[],
  mayTake: (deviceId: string) => boolean = () => true,
): Promise<PreKeyBundle[]> {
  const owners = new Map(wanted.map((one) => [one.deviceId, one.userId]));
  owners.delete(asker.deviceId);
  if (owners.size === 0) return [];
  // `skip locked`: of claims at the same moment each takes another key, and none waits.
  const { rows } = await sql`
    with wanted as materialized (
      select d.id, d.user_id, d.signed_pre_key_id, d.signed_pre_key, w.may_take
      from unnest(
        ${[...owners.keys()]}::uuid[], ${[...owners.values()]}::uuid[], ${[...owners.keys()].map(mayTake)}::boolean[]
      ) as w(id, user_id, may_take)
      join devices d on d.id = w.id and d.user_id = w.user_id and d.revoked_at is null and d.signature is not null
      where d.user_id = ${asker.userId} or exists (
        select 1 from members mine join members theirs on theirs.conversation_id = mine.conversation_id
        where mine.user_id = ${asker.userId} and mine.state in ('active', 'requested')
          and theirs.user_id = d.user_id and theirs.state <> 'left'
      )
    ),
    picked as materialized (
      select w.id as device_id, k.key_id, k.key from wanted w cross join lateral (
        select key_id, key from one_time_keys
        where device_id = w.id and key is not null and w.may_take
        order by key_id limit 1 for update skip locked
      ) k
    ),
    taken as (
      update one_time_keys k set key = null, used_at = ${ground.now()}::double precision from picked p
      where k.device_id = p.device_id and k.key_id = p.key_id
    ),
    fallen_back as (
      update devices d set signed_pre_key_used = true from wanted w
      where d.id = w.id and not d.signed_pre_key_used
        and not exists (select 1 from picked p where p.device_id = w.id)
      returning d.id
    )
    select w.user_id as "userId", w.id as "deviceId",
      coalesce(p.key_id, w.signed_pre_key_id) as "keyId", coalesce(p.key, w.signed_pre_key) as key,
      p.key_id is not null as "oneTime",
      (select count(*) from one_time_keys k where k.device_id = w.id and k.key is not null)::integer
        - (p.key_id is not null)::integer as left,
      (select not d.signed_pre_key_used from devices d where d.id = w.id) and p.key_id is not null
        as "fallbackUnused"
    from wanted w left join picked p on p.device_id = w.id
    where coalesce(p.key_id, w.signed_pre_key_id) is not null
  `.execute(ground.db);
  const { preKeyClaims, preKeysLeft } = ground.metrics;
  return claimed.parse(rows).map(({ userId, deviceId, keyId, key, oneTime, left, fallbackUnused }) => {
    preKeyClaims[oneTime ? 'one_time' : 'signed'].add();
    preKeysLeft.add(left);
    if (left < limits.oneTimeKeysLow)
      ground.notices.keysLow({
        userId,
        deviceId,
        oneTimeKeyCount: Math.max(left, 0),
        hasUnusedFallbackKey: fallbackUnused,
      });
    return { userId, deviceId, keyId, key };
  });
}
