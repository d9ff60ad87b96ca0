import { type ErrorCode, errors } from '../protocol/errors';
import { failureOf } from './api';
import type { AparteDb } from './db';
import type { Environment } from './environment';
import type { Session } from './meta';
import { wipeCache } from './wipe-cache';

/** The server refuses this device for good. A session that is another device's by now stays. */
export async function endSession(db: AparteDb, deviceId: string, code: ErrorCode): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const session = await db.readMeta('session');
    if (session?.state === 'signed_in' && session.deviceId === deviceId)
      await db.writeMeta('session', { state: 'ended', code });
  });
}

type Ended = Extract<Session, { state: 'ended' }>;

/** Whether the owner has shut this device out, on another one. */
export const isShutOut = (session: Session | undefined): session is Ended =>
  session?.state === 'ended' && session.code === 'device_revoked';

/** Whether what a device had that was shut out is still here. */
export const owesErasure = (session: Session | undefined) =>
  isShutOut(session) && session.erased === undefined;

/** Whether that, or word of it, is still to be done. */
export const isLeaving = (session: Session | undefined) => isShutOut(session) && session.erased !== 'told';

/** Deletes all that a device had that was shut out. The one of them that fails keeps none of the others from it. */
export async function erase(environment: Environment): Promise<void> {
  const tasks = [wipeCache(environment), environment.wipeMachine(), environment.alerts?.end()];
  const failed = (await Promise.allSettled(tasks)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await note(environment.db, 'here');
}

/**
 * The device that shut this one out waits for word of it.
 * @throws when the server could not take it: the next start asks again
 */
export async function tellErased({ db, api }: Environment): Promise<void> {
  try {
    await api.devices.wiped.mutate();
  } catch (error) {
    const code = failureOf(error);
    if (code === 'offline' || errors[code].retry) throw error;
    // It knows no such device: there is nobody to be told.
  }
  await note(db, 'told');
}

/** Somebody may have begun something else meanwhile. */
async function note(db: AparteDb, erased: 'here' | 'told'): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const session = await db.readMeta('session');
    if (session?.state === 'ended') await db.writeMeta('session', { ...session, erased });
  });
}
