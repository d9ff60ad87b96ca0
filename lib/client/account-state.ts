import type { CryptoMachine } from '../crypto/types';
import { limits } from '../protocol/limits';
import type { AparteDb } from './db';
import type { Environment } from './environment';
import { nextStamp } from './hybrid-clock';
import { snapshotOf, takeSnapshot } from './snapshot';

type Place = Pick<Environment, 'db' | 'api' | 'newId' | 'now'>;

/** Puts what the account knows beside the key backup, for a device that comes later. @param name of its owner */
export async function storeState(
  { db, api, newId }: Place,
  machine: CryptoMachine,
  name: string,
): Promise<void> {
  const page = await machine.sealState(newId(), await snapshotOf(db, name));
  if (page !== null) await api.backup.storeState.mutate({ page });
}

/** Takes it over, on a device that has just joined. @returns the owner's name, if it is known */
export async function takeState({ db, api, now }: Place, machine: CryptoMachine): Promise<string | null> {
  const { page } = await api.backup.state.query();
  const name = await takeSnapshot(db, page === null ? null : await machine.openState(page));
  // From the first word on it goes by what the account has decided, and never takes anybody for one seen first.
  await machine.readLedger();
  await inheritUnsent(db, now(), machine.deviceId);
  return name;
}

/** What the device before this one had not sent stands in the drafts, for its writer to decide. */
async function inheritUnsent(db: AparteDb, nowMs: number, deviceId: string): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const unsent = await db.readMeta('unsent');
    if (!unsent) return;
    const { conversations } = (await db.readMeta('arriving')) ?? { conversations: {} };
    let clock = (await db.readMeta('clock')) ?? '';
    for (const [conversationId, texts] of Object.entries(unsent)) {
      const row = conversations[conversationId] ?? {};
      clock = nextStamp(row.draftAt && row.draftAt > clock ? row.draftAt : clock, nowMs, deviceId);
      const draft = [...texts, row.draft ?? ''].filter(Boolean).join('\n').slice(0, limits.textMaxLength);
      conversations[conversationId] = { ...row, draft, draftAt: clock };
    }
    await db.writeMeta('arriving', { conversations });
    await db.writeMeta('clock', clock);
    await db.meta.delete('unsent');
  });
}
