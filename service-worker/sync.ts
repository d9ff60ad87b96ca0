/// <reference lib="webworker" />

import { liveQuery } from 'dexie';
import { engineLock } from '../lib/client/engine-lock';
import { shipSealed } from '../lib/client/ship';
import { Occasion } from './occasion';

declare const self: ServiceWorkerGlobalScope;

/** A page that is being closed lets go of the lock within this; one that stays open sends by itself. */
const lockWaitMs = 20_000;
/** A network that is just coming back is tried again so soon; the browser itself asks again after minutes. */
const pausesMs = [1_000, 3_000, 8_000];
/** So long pictures may take together: a page that is opened meanwhile waits for that. */
const picturesMs = 20_000;
/** So long a new version is kept waiting: a page that is being closed has mostly let go by then. */
const makeWayMs = 3_000;

/**
 * Sends what is encrypted already and waits while no page is open. The rest needs the engine, and waits for a page: one
 * that is opened meanwhile must not have to wait for this.
 * @throws when it could not be sent: the browser asks again later, and forgets the wish if told that all is done
 */
export async function shipAlone(): Promise<void> {
  const occasion = await Occasion.begin();
  // Locked by its person: what waits is sent when they have opened it.
  if (!occasion) return;
  const { environment } = occasion;
  const { db } = environment;
  const over = new AbortController();
  // Whoever holds the lock may send it all: nothing is left to wait for then.
  const watched = liveQuery(() => db.outbox.count()).subscribe((count) => {
    if (count === 0) over.abort();
  });
  // A new version takes over when nothing is being done here, and is asked to send then.
  const { registration } = self;
  const gone = new AbortController();
  const makeWay = () => {
    if (registration.waiting) setTimeout(() => over.abort(), makeWayMs);
  };
  const follow = () => registration.installing?.addEventListener('statechange', makeWay, gone);
  makeWay();
  follow();
  registration.addEventListener('updatefound', follow, gone);
  try {
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(lockWaitMs)]);
    for (const pauseMs of [...pausesMs, null]) {
      let held = false;
      try {
        await navigator.locks.request(engineLock, { signal }, () => {
          held = true;
          return shipSealed(environment, AbortSignal.timeout(picturesMs));
        });
        break;
      } catch (error) {
        // Whoever has the lock sends by itself.
        if (!held || pauseMs === null || signal.aborted) throw error;
        // The lock is free meanwhile.
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  } catch (error) {
    if ((await db.outbox.count()) > 0) throw error;
  } finally {
    watched.unsubscribe();
    gone.abort();
    db.close();
  }
}
