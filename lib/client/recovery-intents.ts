import { newRecoveryKey } from '../crypto/recovery';
import type { AparteDb } from './db';
import { owesErasure } from './erasure';
import type { Author } from './intents';
import type { DeviceKind } from './meta';

const day = 24 * 3_600_000;
/** How long a reminder may be put off: a day, three days, a week. After that it stays. */
const putOffMs = [day, 3 * day, 7 * day];

/** Eight groups of four letters, for a person to write down; nothing keeps it yet. */
export const makeRecoveryKey = () => newRecoveryKey((bytes) => crypto.getRandomValues(bytes));

/** Asks the engine to keep the account's secrets under a key that its owner has written down and typed back. */
export async function keepRecoveryKey({ db }: Author, key: string): Promise<void> {
  await db.writeMeta('recovery', { state: 'storing', key });
}

/** Whether it can be put off. */
export type Reminder = 'no' | 'soft' | 'firm';

/** Whether the owner is to be reminded that nothing would bring the account back. */
export async function recoveryReminder(db: AparteDb, now: number): Promise<Reminder> {
  const recovery = await db.readMeta('recovery');
  if (recovery?.state !== 'none') return 'no';
  const reminder = await db.readMeta('recoveryReminder');
  if (reminder && reminder.until > now) return 'no';
  return (reminder?.putOff ?? 0) < putOffMs.length ? 'soft' : 'firm';
}

export async function putOffRecovery({ db, now }: Author): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const putOff = (await db.readMeta('recoveryReminder'))?.putOff ?? 0;
    const until = now() + (putOffMs[putOff] ?? 0);
    await db.writeMeta('recoveryReminder', { putOff: putOff + 1, until });
  });
}

/** Asks the engine to bring an account back. Progress and refusal show in the session. */
export async function recoverAccount(
  { db }: Author,
  wish: { handle: string; key: string; deviceName: string; deviceType: DeviceKind },
): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const session = await db.readMeta('session');
    const lost = await db.readMeta('lost');
    const usable = session?.state === 'signed_in' && lost?.deviceId !== session.deviceId;
    const busy = usable || session?.state === 'signing_up' || session?.state === 'recovering';
    if (!busy && !owesErasure(session)) await db.writeMeta('session', { state: 'recovering', ...wish });
  });
}

/** The owner has said what is to become of the devices that were lost. */
export async function endRecovery({ db }: Author): Promise<void> {
  await db.meta.delete('recovered');
}
