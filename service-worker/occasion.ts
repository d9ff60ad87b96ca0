/// <reference lib="webworker" />

import { matchPrecache } from 'workbox-precaching';
import { alertWords } from '../app/i18n/alerts';
import { notificationOf, tagOf } from '../lib/client/alerts';
import { runInBackground } from '../lib/client/background-run';
import { browserEnvironment } from '../lib/client/browser-environment';
import { engineLock } from '../lib/client/engine-lock';
import type { Environment } from '../lib/client/environment';
import type { Author } from '../lib/client/intents';
import { borrowKey } from '../lib/client/key-ring';
import { browserLanguage } from '../lib/client/language';
import type { Store } from '../lib/client/store-key';

declare const self: ServiceWorkerGlobalScope;

// In a service worker `fetch` passes its own cache by; the library is 8 MB, and may be needed without a network.
const network = self.fetch.bind(self);
self.fetch = async (input, init) => {
  const library = globalThis.__CRYPTO_WASM;
  if (library === undefined || String(input) !== library) return network(input, init);
  return (await matchPrecache(library)) ?? network(input, init);
};

/** Answers inside a notification are Chromium's, and not every library knows them. */
const answers = 'NotificationEvent' in self && 'reply' in NotificationEvent.prototype;

/** @param environment `null`: the app is locked, and with it what its person has chosen */
export async function wordsOf(environment: Environment | null) {
  return alertWords[(await environment?.db.readMeta('language')) ?? browserLanguage()];
}

/** Another event's run ends within this, or it is left: browsers end a service worker's work after half a minute. */
const patienceMs = 10_000;

/** What the engine works with during one event. */
export class Occasion {
  shown = 0;
  readonly environment: Environment;

  /** @returns `null` when the app is locked by its person: nothing here opens it */
  static async begin(): Promise<Occasion | null> {
    const [cache, machine] = [await borrowKey('cache'), await borrowKey('machine')];
    return cache && machine && new Occasion({ cache, machine });
  }

  private constructor(keys: Record<Store, Uint8Array>) {
    this.environment = browserEnvironment(
      {
        show: async (alert) => {
          this.shown += 1;
          const { title, options } = notificationOf(alert, await wordsOf(this.environment), answers);
          await self.registration.showNotification(title, options);
        },
        close: (about) => closeTagged(tagOf(about)),
        end: endAlerts,
        // It has the engine because no page is open.
        lookedAt: async () => false,
        timeZone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
      },
      async (store) => keys[store],
    );
  }

  get author(): Author {
    const { db, now, newId } = this.environment;
    return { db, now, newId };
  }

  /**
   * Runs the engine, if no page does. The run of another event may be past what this one wishes: it is waited for.
   * @returns `held` when a page does, else whether it caught up
   */
  async run(): Promise<'held' | boolean> {
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const patience = pages.length > 0 ? { ifAvailable: true } : { signal: AbortSignal.timeout(patienceMs) };
    try {
      return await navigator.locks.request(engineLock, patience, async (lock) =>
        lock ? runInBackground(this.environment) : 'held',
      );
    } catch (error) {
      console.warn('aparte: background', error instanceof Error ? error.name : '');
      return false;
    }
  }
}

export async function closeTagged(tag: string): Promise<void> {
  for (const notification of await self.registration.getNotifications({ tag })) notification.close();
}

/** This device is nobody's any more: nothing of it is shown, and nothing wakes it. */
async function endAlerts(): Promise<void> {
  for (const notification of await self.registration.getNotifications()) notification.close();
  if ('clearAppBadge' in navigator) await navigator.clearAppBadge().catch(() => undefined);
  await (await self.registration.pushManager.getSubscription())?.unsubscribe();
}
