import type { AparteDb } from './db';
import type { Author } from './intents';

/** Who has said no is not asked again for so long, and after the second time never. */
const putOffMs = 90 * 24 * 3_600_000;
const most = 2;

/** Whether the app may offer to be installed: once its person has a conversation, and has not just said no. */
export async function installOffer(db: AparteDb, now: number): Promise<boolean> {
  const offer = await db.readMeta('installOffer');
  if (offer && (offer.putOff >= most || offer.until > now)) return false;
  const row = await db.conversations
    .filter(({ myState, preview }) => myState === 'active' && preview?.kind === 'text')
    .first();
  return row !== undefined;
}

export async function putOffInstall({ db, now }: Author): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const putOff = ((await db.readMeta('installOffer'))?.putOff ?? 0) + 1;
    await db.writeMeta('installOffer', { putOff, until: now() + putOffMs });
  });
}
