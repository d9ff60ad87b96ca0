import type { ActivityKind } from '../protocol/frames';
import { type Author, signedIn, stampNow, wishTelling } from './intents';

/** Asks the engine to shut a device of this account out; also while offline. */
export async function removeDevice(
  { db, now }: Author,
  { deviceId, name }: { deviceId: string; name: string },
): Promise<void> {
  await db.transaction('rw', db.removals, db.meta, async () => {
    if (!(await db.removals.get(deviceId)))
      await db.removals.add({ deviceId, name, state: 'wished', at: now() });
    const news = (await db.readMeta('deviceNews')) ?? [];
    await db.writeMeta(
      'deviceNews',
      news.filter((one) => one.deviceId !== deviceId),
    );
  });
}

/** What has come of a removal was seen. */
export async function forgetRemoval({ db }: Author, deviceId: string): Promise<void> {
  await db.removals.delete(deviceId);
}

/** Tells the others what one is doing, if the connection is up. Said again while it lasts; the engine throttles. */
export async function tellActivity(
  { db }: Author,
  conversationId: string,
  kind: ActivityKind,
): Promise<void> {
  await db.signals.add({ kind, conversationId });
}

/** A tab that is looked at says so at least this often: it may be killed without a last word. */
export const visibleEveryMs = 30_000;
const visibleForMs = 75_000;

/** This device is online for others while any of its tabs is looked at. */
export async function setTabVisible(author: Author, tabId: string, visible: boolean): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.meta, async () => {
    const now = author.now();
    const others = Object.entries((await db.readMeta('visibleTabs')) ?? {}).filter(
      ([id, until]) => id !== tabId && until > now,
    );
    const mine = visible ? [[tabId, now + visibleForMs] as const] : [];
    await db.writeMeta('visibleTabs', Object.fromEntries([...others, ...mine]));
  });
}

/** Whether others see when I am here, on whichever of my devices. It works both ways. */
export async function showPresence(author: Author, shown: boolean): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.meta, db.tellings, async () => {
    const { userId } = await signedIn(db);
    await db.writeMeta('presenceShown', shown);
    await db.writeMeta('presenceShownAt', await stampNow(author));
    await wishTelling(author, 'presence', userId);
  });
}

/** Whether the operator is told how long encryption takes on this device. */
export async function shareFigures({ db }: Author, shared: boolean): Promise<void> {
  await db.writeMeta('figuresShared', shared);
}
