import type { DecisionRow } from './db';
import type { Author } from './intents';
import type { ShownLie } from './meta';

/** Asks the engine to take an identity for a person's, as its owner has seen it; `verify`: they have compared it. */
export async function decideIdentity({ db }: Author, decision: DecisionRow): Promise<void> {
  await db.decisions.put(decision);
}

/** Somebody has read it. */
export async function dismissLie({ db }: Author, { kind, deviceId }: ShownLie): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const lies = (await db.readMeta('lies')) ?? [];
    await db.writeMeta(
      'lies',
      lies.map((lie) => (lie.kind === kind && lie.deviceId === deviceId ? { ...lie, seen: true } : lie)),
    );
  });
}
