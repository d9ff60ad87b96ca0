'use client';

import { setAlertSettings, wishPush } from '../../lib/client/alert-intents';
import { neutralTag, notificationOf, tagOf } from '../../lib/client/alerts';
import type { AlertMessage } from '../../lib/client/engine-worker';
import type { Language } from '../../lib/client/language';
import { toBase64Url } from '../../lib/protocol/base64';
import { alertWords } from '../i18n/alerts';
import { api, author } from './author';

/** What stands between a person and their notifications. */
export type AlertPermission = 'granted' | 'default' | 'denied' | 'unsupported' | 'needs_install';

export function alertPermission(): AlertPermission {
  if ('Notification' in window && 'serviceWorker' in navigator) return Notification.permission;
  return isUninstalledOnIos() ? 'needs_install' : 'unsupported';
}

/** On iPhones and iPads only an app of the home screen may tell of anything. */
function isUninstalledOnIos(): boolean {
  const touchMac = /Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1;
  const ios = /iPhone|iPad|iPod/.test(navigator.userAgent) || touchMac;
  return ios && !matchMedia('(display-mode: standalone)').matches;
}

const registration = async () =>
  'serviceWorker' in navigator ? navigator.serviceWorker.getRegistration() : undefined;

/** Shows or takes back what the engine says; called in the one page whose Worker runs it. */
export async function tellOwner(message: AlertMessage, language: Language): Promise<void> {
  // The engine may have begun before this page could say that somebody looks on.
  if ('show' in message && document.visibilityState === 'visible') return;
  const worker = await registration();
  if (!worker || !('Notification' in window) || Notification.permission !== 'granted') return;
  if ('show' in message) {
    const { title, options } = notificationOf(message.show, alertWords[language], false);
    await worker.showNotification(title, options);
  } else if ('close' in message) {
    for (const shown of await worker.getNotifications({ tag: tagOf(message.close) })) shown.close();
  } else {
    for (const shown of await worker.getNotifications()) shown.close();
    await (await worker.pushManager.getSubscription())?.unsubscribe();
  }
}

/** Whoever looks at the app needs no word that there is something to look at. */
export async function closeNeutral(): Promise<void> {
  for (const shown of (await (await registration())?.getNotifications({ tag: neutralTag })) ?? [])
    shown.close();
}

/** Asks the browser's question; to be called by a click. @returns whether notifications are on now */
export async function turnAlertsOn(): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false;
  await setAlertSettings(author, { on: true });
  await subscribePush();
  return true;
}

export async function turnAlertsOff(): Promise<void> {
  await setAlertSettings(author, { on: false });
  await wishPush(author, null);
  await (await (await registration())?.pushManager.getSubscription())?.unsubscribe();
}

/**
 * Has this browser woken when the app is closed. A browser without a push service, or that cannot reach it, tells all
 * the same while a page is open, so a failure is no error; the next start tries again.
 */
export async function subscribePush(): Promise<void> {
  const worker = await registration();
  if (!worker || !('pushManager' in worker)) return;
  const { publicKey } = await api.push.key.query();
  const known = await worker.pushManager.getSubscription();
  // Made for another server's key, it would be refused for ever.
  if (known && keyOf(known) !== publicKey) await known.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: publicKey };
  const { keysOf } = await import('../../lib/client/alert-data');
  await wishPush(author, keysOf(await worker.pushManager.subscribe(options)));
}

const keyOf = ({ options }: PushSubscription): string =>
  toBase64Url(new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0)));
