import type * as z from 'zod';
import type { Account, signUp as signUpSchema } from '../../lib/protocol/accounts';
import { AparteError } from '../../lib/protocol/errors';
import { checkSignUpKeys, type DeviceIdentity } from '../devices/signatures';
import { storeDevice } from '../devices/store-device';
import { hashOf, newToken } from '../devices/tokens';
import type { Asker, Ground } from '../ground';

type SignUp = z.infer<typeof signUpSchema>;

/**
 * Makes an account and its first device. Asked again with the same idempotency key, as after a lost answer, it
 * hands out a new token and changes nothing else.
 * @throws bad_signature, handle_taken, conflict when an id is in use, device_revoked
 */
export async function signUp(ground: Ground, wish: SignUp): Promise<{ account: Account; token: string }> {
  const identity = checkSignUpKeys(wish.userId, wish.deviceId, wish.keys);
  const { token, tokenHash } = newToken();
  const account = { userId: wish.userId, handle: wish.handle, deviceId: wish.deviceId };
  if (await renewToken(ground, wish, tokenHash)) return { account, token };
  try {
    await store(ground, wish, identity, tokenHash);
  } catch (error) {
    const taken = violated(error) ?? (error instanceof AparteError ? 'devices' : undefined);
    // The same request twice at the same moment: the other one has won.
    if (taken !== undefined && (await renewToken(ground, wish, tokenHash))) return { account, token };
    if (taken === undefined) throw error;
    throw new AparteError(taken === 'users_handle_key' ? 'handle_taken' : 'conflict');
  }
  return { account, token };
}

/** @returns whether the device was registered by this very request before */
async function renewToken(ground: Ground, wish: SignUp, tokenHash: Buffer): Promise<boolean> {
  const known = await ground.db
    .selectFrom('devices as d')
    .innerJoin('users as u', 'u.id', 'd.user_id')
    .select(['d.id', 'd.user_id', 'd.revoked_at', 'u.handle'])
    .where('d.registration_hash', '=', hashOf(wish.idempotencyKey))
    .executeTakeFirst();
  if (known === undefined) return false;
  const same = known.id === wish.deviceId && known.user_id === wish.userId && known.handle === wish.handle;
  if (!same) throw new AparteError('conflict');
  if (known.revoked_at !== null) throw new AparteError('device_revoked');
  await ground.db
    .updateTable('devices')
    .set({ token_hash: tokenHash })
    .where('id', '=', wish.deviceId)
    .where('revoked_at', 'is', null)
    .execute();
  return true;
}

async function store(
  ground: Ground,
  wish: SignUp,
  identity: DeviceIdentity,
  tokenHash: Buffer,
): Promise<void> {
  const now = ground.now();
  await ground.db.transaction().execute(async (trx) => {
    await trx
      .insertInto('users')
      .values({
        id: wish.userId,
        handle: wish.handle,
        master_key: JSON.stringify(wish.keys.masterKey),
        self_signing_key: JSON.stringify(wish.keys.selfSigningKey),
        user_signing_key: JSON.stringify(wish.keys.userSigningKey),
        created_at: now,
      })
      .execute();
    const given = { userId: wish.userId, tokenHash, now, linkedBy: null };
    await storeDevice(trx, { ...wish, ...wish.keys }, identity, given);
  });
}

/** The name of the unique constraint that an insert ran into. */
function violated(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return undefined;
  return 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : '';
}

export async function handleTaken({ db }: Ground, handle: string): Promise<boolean> {
  const row = await db.selectFrom('users').select('id').where('handle', '=', handle).executeTakeFirst();
  return row !== undefined;
}

export async function find(
  { db }: Ground,
  handle: string,
): Promise<{ userId: string; handle: string } | null> {
  const row = await db
    .selectFrom('users')
    .select(['id', 'handle'])
    .where('handle', '=', handle)
    .executeTakeFirst();
  return row === undefined ? null : { userId: row.id, handle: row.handle };
}

export async function me({ db }: Ground, asker: Asker): Promise<Account> {
  const row = await db
    .selectFrom('users')
    .select('handle')
    .where('id', '=', asker.userId)
    .executeTakeFirstOrThrow();
  return { userId: asker.userId, handle: row.handle, deviceId: asker.deviceId };
}

/** The account that a token belongs to; null for none, and for a device that was shut out. */
export async function device({ db }: Ground, token: string | undefined): Promise<Account | null> {
  if (token === undefined) return null;
  const row = await db
    .selectFrom('devices as d')
    .innerJoin('users as u', 'u.id', 'd.user_id')
    .select(['d.id as deviceId', 'u.id as userId', 'u.handle'])
    .where('d.token_hash', '=', hashOf(token))
    .where('d.revoked_at', 'is', null)
    .where('d.signature', 'is not', null)
    .executeTakeFirst();
  return row ?? null;
}
