import { stampNow, wishTelling } from './intents';
import type { Work } from './work';

/**
 * Does what a person has decided about identities, and tells the account's other devices. A decision about an identity
 * that is not the one told any more is dropped: what there is to look at now stands in its row.
 */
export async function performDecisions({ environment, machine }: Work): Promise<void> {
  const { db } = environment;
  for (const { userId, masterKey, verify } of await db.decisions.toArray()) {
    const known = await machine.approveIdentity(userId, masterKey, verify);
    await db.transaction('rw', db.decisions, db.identities, db.tellings, db.meta, async () => {
      const latest = await db.decisions.get(userId);
      // Another was made while this one was asked about: it has its turn.
      if (latest?.masterKey === masterKey && latest.verify === verify) await db.decisions.delete(userId);
      if (!known) return;
      await db.identities.update(userId, { decidedAt: await stampNow(environment) });
      await wishTelling(environment, 'identity', userId);
    });
  }
}
