import * as z from 'zod';
import { readRecoveryKey } from '../crypto/recovery';
import { IdentityMismatch, type KeyTransport } from '../crypto/types';
import type { Recovery } from '../protocol/backup';
import type { ErrorCode } from '../protocol/errors';
import { keyUpload, signedDeviceKeys } from '../protocol/keys';
import { takeState } from './account-state';
import { failureOf } from './api';
import type { Environment } from './environment';
import type { Session } from './meta';
import { wipeCache } from './wipe-cache';
import type { Work } from './work';

/** What is sealed under the recovery key. */
const bundle = z.object({
  v: z.literal(1),
  userId: z.string(),
  secrets: z.object({ bundle: z.unknown(), masterKey: z.string() }),
});

/**
 * Stores the account's secrets under a recovery key that a person has written down, and asks whether there is one.
 * @throws what the network or the server answered; the next call goes on
 */
export async function lookAtRecovery(
  { environment, machine, me }: Work,
  backUp: () => Promise<void>,
): Promise<void> {
  const { db, api } = environment;
  const wish = await db.readMeta('recovery');
  if (wish?.state === 'storing') {
    const key = await readRecoveryKey(wish.key);
    if (!key) throw new Error('no recovery key');
    // What the person is told then must be true: all that was read so far can be brought back.
    await backUp();
    const secrets = await machine.exportSecrets();
    const sealed = await key.seal(JSON.stringify({ v: 1, userId: me.userId, secrets }));
    const { authentication } = key;
    const { storedAt } = await api.recovery.store.mutate({ authentication, bundle: sealed });
    // From here on the key is on paper only.
    await db.writeMeta('recovery', { state: 'stored', at: storedAt });
    return;
  }
  const { storedAt } = await api.recovery.status.query();
  await db.transaction('rw', db.meta, async () => {
    // A person may have written a key down while the answer travelled.
    if ((await db.readMeta('recovery'))?.state === 'storing') return;
    await db.writeMeta('recovery', storedAt === null ? { state: 'none' } : { state: 'stored', at: storedAt });
  });
}

/** Brings an account back on a device that has nothing but its handle and recovery key. Never rejects. */
export async function performRecovery(
  environment: Environment,
  wish: Extract<Session, { state: 'recovering' }>,
): Promise<void> {
  const { db } = environment;
  const { handle } = wish;
  try {
    const me = await recover(environment, wish);
    await db.writeMeta('recovered', { at: environment.now() });
    await db.writeMeta('session', { state: 'signed_in', handle, ...me });
  } catch (error) {
    environment.log('recovery', error);
    await environment.wipeMachine();
    await db.writeMeta('session', { state: 'recovery_failed', handle, code: reasonOf(error) });
  }
}

class WrongKey extends Error {}

function reasonOf(error: unknown): ErrorCode | 'offline' {
  if (error instanceof WrongKey) return 'wrong_recovery_key';
  // The secrets are of another identity than the one the server tells.
  return error instanceof IdentityMismatch ? 'bad_signature' : failureOf(error);
}

async function recover(
  environment: Environment,
  { handle, key: typed, deviceName, deviceType }: Extract<Session, { state: 'recovering' }>,
) {
  const { api } = environment;
  const key = await readRecoveryKey(typed);
  if (!key) throw new WrongKey();
  const { authentication } = key;
  const stored = await api.recovery.open.mutate({ handle, authentication });
  const opened = await key.open(stored.bundle);
  const parsed = bundle.safeParse(opened === null ? null : JSON.parse(opened));
  if (!parsed.success || parsed.data.userId !== stored.userId) throw new WrongKey();
  const { userId } = stored;
  const { bundle: keys, masterKey } = parsed.data.secrets;
  await environment.wipeMachine();
  await wipeCache(environment, userId);
  const deviceId = environment.newId();
  const machine = await environment.openMachine({ userId, deviceId }, asTold(stored));
  try {
    const made = await machine.createDevice();
    // Before it is: what the machine asks for until then is answered by what the server has told already.
    await machine.accountCreated(Object.keys(made.oneTimeKeys).length);
    await machine.adoptSecrets({ bundle: keys, masterKey });
    const deviceKeys = signedDeviceKeys.parse(await machine.signDevice(made.deviceKeys));
    const preKeys = keyUpload.parse({ oneTimeKeys: made.oneTimeKeys, fallbackKeys: made.fallbackKeys });
    const idempotencyKey = environment.newSecret();
    const device = { deviceId, deviceName, deviceType, idempotencyKey, deviceKeys, ...preKeys };
    await api.recovery.register.mutate({ handle, authentication, ...device });
    return { userId, deviceId, name: (await takeState(environment, machine)) ?? handle };
  } finally {
    await machine.close();
  }
}

/** The account's public keys, to a machine whose device the server does not know yet. */
function asTold({
  userId,
  masterKey,
  selfSigningKey,
  userSigningKey,
}: Omit<Recovery, 'bundle'>): KeyTransport {
  return {
    upload: () => Promise.reject(new Error('not registered yet')),
    keys: async () => [{ userId, masterKey, selfSigningKey, userSigningKey, devices: [], revocations: [] }],
    bundles: async () => [],
  };
}
