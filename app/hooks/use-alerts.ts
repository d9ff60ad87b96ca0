'use client';

import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { setAlertLanguage } from '../../lib/client/alert-intents';
import type { PageMessage } from '../../lib/client/alerts';
import { visibleLock } from '../../lib/client/engine-lock';
import { type AlertPermission, alertPermission, closeNeutral, subscribePush } from './alerts';
import { author } from './author';
import { useLanguage } from './preferences';
import { useAlertSettings } from './use-live';

/** Keeps the service worker told of what it needs when no page is open, and does what a clicked notification asks. */
export function useAlerts(signedIn: boolean): void {
  const language = useLanguage();
  const router = useRouter();
  const on = useAlertSettings()?.on ?? false;
  useEffect(() => {
    if (signedIn) void setAlertLanguage(author, language);
  }, [signedIn, language]);
  useEffect(() => {
    if (!signedIn || !on || alertPermission() !== 'granted') return;
    // An address may have been lost, or the server's key be another one: asked anew at each start.
    subscribePush().catch(() => undefined);
  }, [signedIn, on]);
  useEffect(() => {
    if (!('serviceWorker' in navigator)) return;
    const heard = ({ data }: MessageEvent<PageMessage>) => {
      if (data?.type === 'OPEN') router.push(data.address);
    };
    let letGo = () => undefined as unknown;
    const looked = () => {
      letGo();
      if (document.visibilityState !== 'visible') return;
      letGo = holdVisible();
      closeNeutral().catch(() => undefined);
    };
    looked();
    document.addEventListener('visibilitychange', looked);
    navigator.serviceWorker.addEventListener('message', heard);
    return () => {
      letGo();
      document.removeEventListener('visibilitychange', looked);
      navigator.serviceWorker.removeEventListener('message', heard);
    };
  }, [router]);
}

/** Says to this profile's engine, in whichever tab it runs, that this one is looked at. @returns what ends it */
function holdVisible(): () => void {
  let letGo = () => undefined as unknown;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  // Refused only while the page is going away.
  navigator.locks.request(visibleLock, { mode: 'shared' }, () => held).catch(() => undefined);
  return () => void letGo();
}

/** What the browser allows, looked at again whenever the person comes back from its settings. */
export function useAlertPermission(): [AlertPermission | undefined, () => void] {
  const [permission, set] = useState<AlertPermission>();
  useEffect(() => {
    const look = () => set(alertPermission());
    look();
    document.addEventListener('visibilitychange', look);
    addEventListener('focus', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      removeEventListener('focus', look);
    };
  }, []);
  return [permission, () => set(alertPermission())];
}
