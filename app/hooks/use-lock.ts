'use client';

import { useEffect, useSyncExternalStore } from 'react';
import type { LockState } from '../../lib/client/key-ring';
import { keyRing } from './author';
import { useAutoLockMinutes } from './use-live';

const subscribe = (changed: () => void) => keyRing().subscribe(changed);

/** Whether this tab may read what is stored. */
export const useLockState = (): LockState =>
  useSyncExternalStore(
    subscribe,
    () => keyRing().state,
    () => 'looking',
  );

/** Whether a passphrase protects the profile. */
export const useProtected = (): boolean =>
  useSyncExternalStore(
    subscribe,
    () => keyRing().protected,
    () => false,
  );

/** Shared by the tabs: who works in one is not shut out by another. */
const lastTouchKey = 'aparte-touched';
const touchEveryMs = 5_000;
const touches = ['pointerdown', 'keydown', 'wheel', 'touchmove'] as const;

export const defaultAutoLockMinutes = 15;

/** Locks all tabs when nobody has touched any of them for a while, also if the machine slept meanwhile. */
export function useAutoLock(): void {
  const isProtected = useProtected();
  const minutes = useAutoLockMinutes() ?? defaultAutoLockMinutes;
  useEffect(() => {
    if (!isProtected || minutes === 0) return;
    const touchedAt = () => Number(localStorage.getItem(lastTouchKey) ?? 0);
    const touch = () => {
      const now = Date.now();
      if (now - touchedAt() > touchEveryMs) localStorage.setItem(lastTouchKey, String(now));
    };
    const look = () => {
      if (Date.now() - touchedAt() > minutes * 60_000) keyRing().lock();
    };
    // The time begins with the tab: what an earlier day has left says nothing.
    localStorage.setItem(lastTouchKey, String(Date.now()));
    const timer = setInterval(look, touchEveryMs);
    document.addEventListener('visibilitychange', look);
    for (const kind of touches) addEventListener(kind, touch, { passive: true, capture: true });
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      for (const kind of touches) removeEventListener(kind, touch, { capture: true });
    };
  }, [isProtected, minutes]);
}
