import type { IdentityNews, Lie, TrustLedger } from '../crypto/types';
import type { AparteDb } from './db';
import type { ShownLie } from './meta';

/** More than this nobody reads; the oldest go. */
const liesBound = 50;

/** Keeps what the machine knows of identities and revocations in the profile's database, where the screens see it. */
export function trustLedger(db: AparteDb): TrustLedger {
  return {
    load: async () => ({
      identities: await db.identities.toArray(),
      revocations: await db.revocations.toArray(),
    }),
    learned: ({ identities, revocations, lies }) =>
      db.transaction('rw', db.identities, db.revocations, db.meta, async () => {
        for (const identity of identities) await putIdentity(db, identity);
        await db.revocations.bulkPut(revocations);
        if (lies.length > 0) await noteLies(db, lies);
      }),
  };
}

/** Writes only what has changed: it is told at every look, and each write wakes the screens. */
async function putIdentity(db: AparteDb, { userId, masterKey, verification, changedTo }: IdentityNews) {
  const known = await db.identities.get(userId);
  const same =
    known?.masterKey === masterKey &&
    known.changedTo === changedTo &&
    (known.verification === null) === (verification === null);
  if (!same)
    await db.identities.put({
      userId,
      masterKey,
      verification,
      changedTo,
      decidedAt: known?.decidedAt ?? '',
    });
}

async function noteLies(db: AparteDb, lies: Lie[]): Promise<void> {
  const known = (await db.readMeta('lies')) ?? [];
  const fresh = lies.filter(
    (lie) => !known.some((one) => one.kind === lie.kind && one.deviceId === lie.deviceId),
  );
  if (fresh.length === 0) return;
  const shown = fresh.map(
    ({ kind, userId, deviceId }): ShownLie => ({ kind, userId, deviceId, seen: false }),
  );
  await db.writeMeta('lies', [...known, ...shown].slice(-liesBound));
}
