'use client';

import { useEffect, useRef } from 'react';
import type { PageMessage } from '../../lib/client/alerts';
import { engineWorker, hearEngine } from '../../lib/client/engine-start';
import { looksFirst } from '../../lib/client/first-visit';
import { storageChannel } from '../../lib/client/storage-state';
import { tellOwner } from './alerts';
import { useLanguage } from './preferences';
import { whenThereIsTime } from './when-there-is-time';

/** A person does not want to wait for the next try, wherever the engine runs. */
export function hurryEngine(): void {
  const channel = new BroadcastChannel(storageChannel);
  channel.postMessage('hurry');
  channel.close();
}

/** Joins the page with its engine worker, which keeps this device and the others of its owner the same. Of all tabs' workers one holds the lock and works. */
export function useMultiDeviceSync(): void {
  const spoken = useLanguage();
  const language = useRef(spoken);
  language.current = spoken;
  useEffect(() => {
    // At a first visit it has nothing to do but to be there when somebody has chosen a name.
    if (looksFirst()) return whenThereIsTime(engineWorker);
    // It runs already, unless this is drawn anew after a first visit that was cut short.
    engineWorker();
    return undefined;
  }, []);
  useEffect(() => {
    hearEngine((message) => {
      // What cannot be shown stands in the list all the same.
      tellOwner(message, language.current).catch(() => undefined);
    });
    const woken = ({ data }: MessageEvent<PageMessage>) => {
      if (data?.type === 'HURRY') engineWorker().postMessage('hurry');
    };
    if ('serviceWorker' in navigator) navigator.serviceWorker.addEventListener('message', woken);
    const hurry = () => {
      if (document.visibilityState === 'visible') engineWorker().postMessage('hurry');
    };
    document.addEventListener('visibilitychange', hurry);
    return () => {
      document.removeEventListener('visibilitychange', hurry);
      if ('serviceWorker' in navigator) navigator.serviceWorker.removeEventListener('message', woken);
    };
  }, []);
}
