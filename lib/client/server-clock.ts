import type { AparteDb } from './db';

/** Less than this is the way of the answer, not the clock. */
const worthNotingMs = 1_000;

/** Notes how far this device's clock is from the server's, by an answer that has just come. */
export async function noteServerTime(db: AparteDb, serverMs: number, nowMs: number): Promise<void> {
  const skewMs = serverMs - nowMs;
  const known = (await db.readMeta('clockSkewMs')) ?? 0;
  if (Math.abs(skewMs - known) >= worthNotingMs) await db.writeMeta('clockSkewMs', skewMs);
}

/**
 * The time of the server, ms, as far as this device can tell. What is compared with the times of messages that others
 * have sent takes this one: a clock that is hours off must not move one's own conversations in the list. Inside a
 * transaction it needs `meta`.
 */
export async function serverTime({ db, now }: { db: AparteDb; now: () => number }): Promise<number> {
  return now() + ((await db.readMeta('clockSkewMs')) ?? 0);
}
