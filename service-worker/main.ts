/// <reference lib="webworker" />
import { matchPrecache, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';

import { createApi } from '../lib/client/api';
import { AparteDb } from '../lib/client/db';
import { engineLock } from '../lib/client/engine-lock';
import { shipSealed } from '../lib/client/ship';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] };

// Routes are files of the export; what stands behind a question mark or a hash is the app's business, not the cache's.
// Next asks for the payloads of links with HEAD as well as GET.
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === 'HEAD') event.respondWith(head(request));
  // A Worker's script takes its policy from the very answer; one from the cache must not say that it was redirected.
  else if (request.destination === 'worker') event.respondWith(script(request));
});

precacheAndRoute(self.__WB_MANIFEST, { ignoreURLParametersMatching: [/.*/], cleanURLs: true });

/** A page says that its person wants the new version: all tabs change over together. */
self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') event.waitUntil(self.skipWaiting());
});

/** Written without a network, and no page is open any more: what is encrypted already is sent from here. */
self.addEventListener('sync', (event) => {
  if (event instanceof ExtendableEvent && 'tag' in event && event.tag === 'outbox')
    event.waitUntil(navigator.locks.request(engineLock, { ifAvailable: true }, ship));
});

/** @param lock `null`: an engine runs, which does it itself */
async function ship(lock: Lock | null): Promise<void> {
  if (!lock) return;
  const db = new AparteDb();
  try {
    await shipSealed(
      db,
      createApi('', (input, init) => fetch(input, init)),
    );
  } finally {
    db.close();
  }
}

async function head(request: Request): Promise<Response> {
  const cached = await matchPrecache(new URL(request.url).pathname);
  return cached ? new Response(null, cached) : fetch(request);
}

async function script(request: Request): Promise<Response> {
  const cached = (await matchPrecache(new URL(request.url).pathname)) ?? (await fetch(request));
  return new Response(cached.body, cached);
}
