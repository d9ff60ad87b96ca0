/// <reference lib="webworker" />

import { liveQuery } from 'dexie';
import { alertData, keysOf } from '../lib/client/alert-data';
import { wishPush } from '../lib/client/alert-intents';
import { isSilent } from '../lib/client/alert-rules';
import { neutralNotification, neutralTag, type PageMessage } from '../lib/client/alerts';
import type { Environment } from '../lib/client/environment';
import { isShutOut } from '../lib/client/erasure';
import { markRead, sendText } from '../lib/client/intents';
import { alertSettings, unreadTotal } from '../lib/client/queries';
import { limits } from '../lib/protocol/limits';
import { closeTagged, Occasion, wordsOf } from './occasion';

declare const self: ServiceWorkerGlobalScope;

/** How long a page that holds the lock may take to tell of what has come. */
const pageMs = 8_000;

/**
 * A push says only that there is something. Whatever comes of it, something is shown: browsers take the permission
 * from those who are woken and show nothing.
 */
export async function pushed(): Promise<void> {
  const occasion = await Occasion.begin();
  if (!occasion) return showNeutral(null, true);
  const { environment } = occasion;
  try {
    const ran = await occasion.run();
    if (ran === true) await showBadge(environment);
    const told = ran === 'held' ? await waitForPage(environment) : ran;
    // A page may have ended the notifications and gone before its browser has.
    if (isShutOut(await environment.db.readMeta('session'))) await environment.alerts?.end();
    else if (occasion.shown > 0 || told === 'told') await closeTagged(neutralTag);
    else await showNeutral(environment, told === false);
  } finally {
    environment.db.close();
  }
}

/** The number on the icon of an installed app; a browser without that refuses, and nothing is missing. */
async function showBadge({ db, now }: Environment): Promise<void> {
  if ('setAppBadge' in navigator)
    await navigator.setAppBadge(await unreadTotal(db, now())).catch(() => undefined);
}

/** @param news there is something that could not be read; if not, there was nothing to tell of */
async function showNeutral(environment: Environment | null, news: boolean): Promise<void> {
  const [standing] = await self.registration.getNotifications();
  if (standing && !news) {
    // What is there already says all there is to say: it is shown once more, without a sound.
    const { title, body, tag, data, icon, badge }: Notification & { badge?: string } = standing;
    await self.registration.showNotification(title, {
      body,
      tag,
      data,
      icon,
      badge: badge ?? '',
      silent: true,
    });
    return;
  }
  const silent = !news || (environment !== null && (await wantsSilence(environment)));
  const { title, options } = neutralNotification(await wordsOf(environment), { news, silent });
  await self.registration.showNotification(title, options);
  const pages = await self.clients.matchAll({ type: 'window' });
  if (!news && pages.some((page) => page.visibilityState === 'visible')) await closeTagged(neutralTag);
}

async function wantsSilence({ db, now, alerts }: Environment): Promise<boolean> {
  return alerts !== null && isSilent(await alertSettings(db), now(), alerts.timeZone());
}

/**
 * A page holds the lock: its engine is to look at once, and tells by itself.
 * @returns `told` when it has, `true` when it has caught up and there is nothing to tell
 */
async function waitForPage({ db }: Environment): Promise<'told' | boolean> {
  const before = JSON.stringify(await db.readMeta('shownAlerts'));
  await tellPages({ type: 'HURRY' });
  const told = new Promise<'told'>((resolve, reject) => {
    liveQuery(() => db.readMeta('shownAlerts')).subscribe({
      next: (shown) => JSON.stringify(shown) !== before && resolve('told'),
      error: reject,
    });
  });
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), pageMs));
  const first = await Promise.race([told, late]);
  return first ?? (await db.readMeta('connection'))?.state === 'online';
}

async function tellPages(message: PageMessage): Promise<void> {
  for (const page of await self.clients.matchAll({ type: 'window', includeUncontrolled: true }))
    page.postMessage(message);
}

/** A notification was clicked: what it tells of is opened, or read, or answered, as its button says. */
export async function clicked(event: NotificationEvent & { reply?: string | null }): Promise<void> {
  const { notification, action, reply } = event;
  notification.close();
  const about = alertData.safeParse(notification.data);
  if (!about.success) return open('/');
  if ('deviceId' in about.data) return open('/settings');
  const { conversationId, seq } = about.data;
  if (action !== 'read' && action !== 'reply') return open(`/c#${conversationId}`);
  const work = await Occasion.begin();
  // What is locked is opened by its person only.
  if (!work) return open(`/c#${conversationId}`);
  try {
    // What is wished stands in the database: whoever has the engine does it, now or later.
    if (action === 'reply' && reply?.trim())
      await sendText(work.author, conversationId, reply.trim().slice(0, limits.textMaxLength));
    await markRead(work.author, conversationId, seq);
    await work.run();
    await showBadge(work.environment);
  } finally {
    work.environment.db.close();
  }
}

async function open(address: string): Promise<void> {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find(({ focused }) => focused) ?? pages[0];
  if (!page) {
    await self.clients.openWindow(address);
    return;
  }
  page.postMessage({ type: 'OPEN', address } satisfies PageMessage);
  await page.focus();
}

/** The browser has given this device another address, or none. */
export async function subscriptionChanged(event: SubscriptionChange): Promise<void> {
  const work = await Occasion.begin();
  // The next start asks for an address anyway.
  if (!work) return;
  try {
    const options = event.oldSubscription?.options;
    const fresh =
      event.newSubscription ?? (options ? await self.registration.pushManager.subscribe(options) : null);
    await wishPush(work.author, fresh && keysOf(fresh));
    await work.run();
  } finally {
    work.environment.db.close();
  }
}

/** Not every library knows it. */
export interface SubscriptionChange extends ExtendableEvent {
  oldSubscription?: PushSubscription | null;
  newSubscription?: PushSubscription | null;
}
