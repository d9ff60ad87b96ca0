import { errors } from '../protocol/errors';
import { signUpKeys } from '../protocol/keys';
import { failureOf } from './api';
import type { Environment } from './environment';
import type { Session, SignUpAttempt } from './meta';
import { wipeCache } from './wipe-cache';

type SigningUp = Extract<Session, { state: 'signing_up' }>;

/** How often an unreachable server is asked before the person is told. */
const tries = 3;

/**
 * Makes the account: keys first, stored, then one request that the server takes whole or not at all. Asked again
 * after a crash or a lost answer, it is the same request, and the server answers it the same.
 */
export async function performSignUp(environment: Environment, wish: SigningUp): Promise<void> {
  const { db, api } = environment;
  const attempt = wish.attempt ?? (await beginAttempt(environment, wish));
  const machine = await environment.openMachine(attempt);
  try {
    const keys = attempt.keys ?? signUpKeys.parse(pickKeys(await machine.createAccount()));
    await db.writeMeta('session', { ...wish, attempt: { ...attempt, keys } });
    const { handle, name, deviceName, deviceType } = wish;
    const { userId, deviceId, idempotencyKey } = attempt;
    const request = { handle, userId, deviceId, deviceName, deviceType, idempotencyKey, keys };
    const failure = await ask(environment, () => api.accounts.signUp.mutate(request));
    if (failure) {
      await machine.close();
      await environment.wipeMachine();
      await db.writeMeta('session', { state: 'sign_up_failed', handle, name, code: failure });
      return;
    }
    await machine.accountCreated(Object.keys(keys.oneTimeKeys).length);
    await db.writeMeta('session', { state: 'signed_in', userId, deviceId, handle, name });
  } finally {
    await machine.close();
  }
}

async function beginAttempt(environment: Environment, wish: SigningUp): Promise<SignUpAttempt> {
  const { db, newId, newSecret } = environment;
  // What an earlier account left behind must not mix with the new one.
  await environment.wipeMachine();
  await wipeCache(environment);
  const attempt = { userId: newId(), deviceId: newId(), idempotencyKey: newSecret(), keys: null };
  await db.writeMeta('session', { ...wish, attempt });
  return attempt;
}

function pickKeys(made: Record<keyof NonNullable<SignUpAttempt['keys']>, unknown>) {
  const { deviceKeys, oneTimeKeys, fallbackKeys, masterKey, selfSigningKey, userSigningKey } = made;
  return { deviceKeys, oneTimeKeys, fallbackKeys, masterKey, selfSigningKey, userSigningKey };
}

async function ask(environment: Environment, call: () => Promise<unknown>) {
  for (let left = tries; ; left--) {
    try {
      await call();
      return null;
    } catch (error) {
      const code = failureOf(error);
      const again = code === 'offline' || (errors[code].retry && code !== 'rate_limited');
      if (!again || left <= 1) return code;
      await new Promise<void>((resolve) => environment.after(1_000, resolve));
    }
  }
}
