import { takeState } from './account-state';
import type { AparteDb } from './db';
import type { Environment } from './environment';
import type { Loss, Session } from './meta';
import { wipeCache } from './wipe-cache';

/** The machine's store does not hold this device any more. */
export class KeysLost extends Error {}

/**
 * A profile that holds no session may be new, or its browser has cleared what was here and left the cookie: the server
 * then knows the device. With the machine's store still there the device is itself again, and fetches the rest from the
 * server; without it, only another device or the recovery key opens the account, and a person is told so.
 * @throws what the network answered: it is asked again
 */
export async function lookForEarlierSelf(environment: Environment): Promise<void> {
  const { db, api } = environment;
  const account = await api.accounts.device.query();
  if (!account) {
    await ifNone(db, { state: 'signed_out' });
    return;
  }
  const { userId, deviceId, handle } = account;
  const machine = await environment.openMachine({ userId, deviceId });
  if (!(await machine.hasAccount())) {
    await machine.close();
    await environment.wipeMachine();
    const loss: Loss = { what: 'all', userId, deviceId, handle, name: handle };
    if (await ifNone(db, { state: 'signed_out' })) await db.writeMeta('lost', loss);
    return;
  }
  try {
    await wipeCache(environment);
    const name = (await takeState(environment, machine)) ?? handle;
    await db.writeMeta('mended', { at: environment.now() });
    await ifNone(db, { state: 'signed_in', userId, deviceId, handle, name });
  } finally {
    await machine.close();
  }
}

/** A person may have begun something meanwhile. @returns whether they have not */
function ifNone(db: AparteDb, session: Session): Promise<boolean> {
  return db.transaction('rw', db.meta, async () => {
    if (await db.readMeta('session')) return false;
    await db.writeMeta('session', session);
    return true;
  });
}

/** The keys of this device are gone: it can show what it has, and neither send nor open anything. */
export async function noteKeysLost(
  environment: Environment,
  { userId, deviceId, handle, name }: Extract<Session, { state: 'signed_in' }>,
): Promise<void> {
  await environment.wipeMachine();
  await environment.db.writeMeta('lost', { what: 'keys', userId, deviceId, handle, name });
  await environment.db.writeMeta('connection', { state: 'offline', at: environment.now() });
}
