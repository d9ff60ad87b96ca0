'use client';

import { useEffect, useState } from 'react';
import { saveAll } from './last-words';

/** What takes longer to store is left to the page that comes: the files of this one may be gone already. */
const savingMs = 3_000;
/** How often a page that stays open asks for a new version. */
const lookEveryMs = 3_600_000;

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
    const register = async () => {
      const { Workbox } = await import('workbox-window');
      const workbox = new Workbox('/sw.js');
      const offer = ({ sw }: { sw?: ServiceWorker }) => {
        if (gone) return;
        setUpdate(() => () => workbox.messageSkipWaiting());
        // A page that was open before there was any service worker is nobody's, and hears no `controllerchange`.
        sw?.addEventListener('statechange', () => sw.state === 'activated' && changeOver());
      };
      workbox.addEventListener('waiting', offer);
      // Whichever tab was asked: a page of the old version must not go on under the new one.
      const controlled = navigator.serviceWorker.controller !== null;
      navigator.serviceWorker.addEventListener('controllerchange', () => controlled && changeOver());
      await workbox.register();
      timer = setInterval(() => void workbox.update().catch(() => undefined), lookEveryMs);
    };
    // Without one the app works all the same, with a network.
    register().catch((error: unknown) => console.warn('aparte: service worker', error));
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  return update;
}
