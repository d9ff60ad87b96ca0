/// <reference lib="webworker" />
import { getCacheKeyForURL, matchPrecache, type PrecacheEntry } from 'workbox-precaching';

declare const self: ServiceWorkerGlobalScope;

/** Where other apps send what is shared with this one, and the page that asks what becomes of it. */
export const sharePath = '/share';

/**
 * Pages, from the cache as long as that is whole. A browser may have cleared a part of it, and a page whose scripts are
 * gone, here and on a server that has moved on to another version, would stay white for ever: then the server's own
 * page is shown, and the cache is mended behind it.
 */
export async function page(event: FetchEvent, entries: readonly PrecacheEntry[]): Promise<Response> {
  const { request } = event;
  const missing = await missingOf(entries);
  if (missing.length > 0) {
    const fresh = await fetch(request).catch(() => null);
    if (fresh?.ok) {
      event.waitUntil(mend(missing));
      return fresh;
    }
  }
  const path = new URL(request.url).pathname;
  const cached =
    (await matchPrecache(path === '/' ? '/index.html' : `${path}.html`)) ?? (await matchPrecache(path));
  return cached ?? fetch(request);
}

const cacheOfPages = async () => {
  const name = (await caches.keys()).find((key) => key.startsWith('workbox-precache'));
  return name === undefined ? null : caches.open(name);
};

/** The addresses of what the cache should hold and does not. */
async function missingOf(entries: readonly PrecacheEntry[]): Promise<string[]> {
  const cache = await cacheOfPages();
  const there = new Set((await cache?.keys())?.map(({ url }) => url));
  return entries.flatMap(({ url }) => {
    const key = getCacheKeyForURL(url);
    return key === undefined || there.has(key) ? [] : [key];
  });
}

/** Another version brings its own files. Of this one, what the server still has is fetched again. */
async function mend(missing: string[]): Promise<void> {
  const registration = await self.registration.update().then(() => self.registration);
  if (registration.installing || registration.waiting) return;
  const cache = await cacheOfPages();
  for (const url of missing) {
    const response = await fetch(url, { cache: 'no-cache' });
    if (response.ok) await cache?.put(url, response);
  }
}
