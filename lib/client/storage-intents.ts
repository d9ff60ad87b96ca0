import type { Author } from './intents';

/** What this browser had cleared is dealt with. */
export async function dismissLoss({ db }: Author): Promise<void> {
  await db.meta.delete('lost');
}

/** Somebody has read that the cache was made anew. */
export async function dismissMended({ db }: Author): Promise<void> {
  await db.meta.delete('mended');
}

/** After a recovery that failed, back to what can still be read on a device that has lost its keys. */
export async function backToReading({ db }: Author): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const lost = await db.readMeta('lost');
    const session = await db.readMeta('session');
    if (lost?.what !== 'keys' || session?.state !== 'recovery_failed') return;
    const { userId, deviceId, handle, name } = lost;
    await db.writeMeta('session', { state: 'signed_in', userId, deviceId, handle, name });
  });
}
