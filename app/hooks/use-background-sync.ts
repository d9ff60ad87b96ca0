'use client';

import { useLiveQuery } from 'dexie-react-hooks';
import { useEffect } from 'react';
import { db } from './author';

/** Not every browser has it, and not every library knows it. */
interface SyncRegistration extends ServiceWorkerRegistration {
  sync?: { register(tag: string): Promise<void> };
}

/** While something waits to be sent, the browser is asked to have it sent even if all pages are closed. */
export function useBackgroundSync(): void {
  const waiting = useLiveQuery(async () => (await db.outbox.count()) > 0, []);
  useEffect(() => {
    if (!waiting || !('serviceWorker' in navigator)) return;
    const ask = async () => {
      const registration: SyncRegistration | undefined = await navigator.serviceWorker.getRegistration();
      await registration?.sync?.register('outbox');
    };
    // Where it is not allowed the next start sends.
    const wish = () => void ask().catch(() => undefined);
    // An earlier wish may be used up: with a network but no server the browser gives up after a few tries.
    const leaving = () => document.visibilityState === 'hidden' && wish();
    wish();
    document.addEventListener('visibilitychange', leaving);
    return () => document.removeEventListener('visibilitychange', leaving);
  }, [waiting]);
}
