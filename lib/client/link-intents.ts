import type { AparteDb } from './db';
import { type LinkEvent, type LinkingDevice, type LinkState, nextLink } from './link-state';

/** Moves the linking of this device on by an event. @returns the new state */
export async function dispatchLink(db: AparteDb, event: LinkEvent): Promise<LinkState> {
  return db.transaction('rw', db.meta, async () => {
    const next = nextLink((await db.readMeta('link')) ?? { step: 'idle' }, event);
    await db.writeMeta('link', next);
    return next;
  });
}

/** Asks the engine for a code to show. */
export const showLinkCode = (db: AparteDb, device: LinkingDevice) =>
  dispatchLink(db, { name: 'start', code: null, device });

/** Hands the engine a code that was scanned or typed. */
export const enterLinkCode = (db: AparteDb, code: string, device: LinkingDevice) =>
  dispatchLink(db, { name: 'start', code, device });

/** On the old device: the two digits that the new one shows. */
export const confirmLink = (db: AparteDb, checkCode: string) =>
  dispatchLink(db, { name: 'typed', checkCode });

export const cancelLink = (db: AparteDb) => dispatchLink(db, { name: 'cancel' });

/** What has ended is looked at no more. */
export const closeLink = (db: AparteDb) => dispatchLink(db, { name: 'close' });
