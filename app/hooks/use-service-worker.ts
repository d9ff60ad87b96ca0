'use client';

import { useEffect, useState } from 'react';
import { saveAll } from './last-words';
import { whenThereIsTime } from './when-there-is-time';

/** How often a page that stays open asks for a new version. */
const lookEveryMs = 3_600_000;
/** What takes longer to store is left to the page that comes: the files of this one may be gone already. */
const savingMs = 3_000;
/** Where a tab tells the others that its person has taken the new version. */
const takenChannel = 'aparte-update';

let changing = false;

/** Once: loads the page anew, under the version that has taken over. */
function changeOver(): void {
  if (changing) return;
  changing = true;
  const late = new Promise<void>((resolve) => setTimeout(resolve, savingMs));
  void Promise.race([saveAll(), late]).then(() => location.reload());
}

/**
 * Registers the service worker. @returns what changes over to a new version, once there is one; all tabs of the
 * profile reload then, and what was typed is in the database.
 */
export function useServiceWorker(): (() => void) | null {
  const [update, setUpdate] = useState<(() => void) | null>(null);
  useEffect(() => {
    if (process.env.NODE_ENV !== 'production' || !('serviceWorker' in navigator)) return;
    let timer: ReturnType<typeof setInterval> | undefined;
    let gone = false;
    let leave: (() => void) | undefined;
    // Whichever tab was asked: a page of the old version must not go on under the new one.
    const controlled = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener('controllerchange', () => controlled && changeOver());
    const register = async () => {
      const { Workbox } = await import('workbox-window');
      const workbox = new Workbox('/sw.js');
      const registration = await workbox.register();
      if (!registration) return;
      const stop = followVersions(registration, {
        skipWaiting: () => workbox.messageSkipWaiting(),
        offer: (take) => setUpdate(() => take),
      });
      if (gone) stop();
      else leave = stop;
      timer = setInterval(() => void workbox.update().catch(() => undefined), lookEveryMs);
    };
    // Without one the app works all the same, with a network; and its files must not hold up the first screen.
    const callOff = whenThereIsTime(() =>
      register().catch((error: unknown) => console.warn('aparte: service worker', error)),
    );
    return () => {
      gone = true;
      callOff();
      leave?.();
      clearInterval(timer);
    };
  }, []);
  return update;
}

/**
 * Offers each new version. A page that was open before there was any service worker is nobody's: it hears no
 * `controllerchange`, and does not keep a new version from taking over by itself. The library's own events end with the
 * first version, and leave out one that never waited: each is watched from here.
 */
function followVersions(
  registration: ServiceWorkerRegistration,
  on: { skipWaiting: () => void; offer: (take: () => void) => void },
): () => void {
  const ending = new AbortController();
  const channel = new BroadcastChannel(takenChannel);
  let taken = false;
  let over = false;
  const take = () => {
    if (!registration.waiting) return changeOver();
    taken = true;
    channel.postMessage(null);
    on.skipWaiting();
  };
  channel.onmessage = () => {
    taken = true;
    if (over) changeOver();
  };
  const look = ({ state }: ServiceWorker) => {
    if (state === 'activated') over = true;
    if (over && taken) changeOver();
    else if (over || state === 'installed') on.offer(take);
  };
  const follow = (worker: ServiceWorker | null) => {
    // The first of all is no new version.
    if (!worker || !registration.active) return;
    look(worker);
    worker.addEventListener('statechange', () => look(worker), ending);
  };
  follow(registration.waiting);
  follow(registration.installing);
  registration.addEventListener('updatefound', () => follow(registration.installing), ending);
  return () => {
    ending.abort();
    channel.close();
  };
}
