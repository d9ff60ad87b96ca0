/// <reference lib="webworker" />
import '../lib/client/no-eval';
import { matchPrecache, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';

import { clicked, pushed, type SubscriptionChange, subscriptionChanged } from './push';
import { sharePath, takeShared } from './share';
import { page } from './shell';
import { shipAlone } from './sync';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] };
const files = self.__WB_MANIFEST;

/** https://www.w3.org/TR/service-workers/#dom-installevent-addroutes; Chromium has it. */
type AddRoutes = (rules: { condition: { urlPattern: string }; source: 'network' }) => Promise<void>;

// Routes are files of the export; what stands behind a question mark or a hash is the app's business, not the cache's.
// Next asks for the payloads of links with HEAD as well as GET.
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === 'POST' && url.pathname === sharePath) event.respondWith(takeShared(request));
  else if (request.mode === 'navigate' && request.method === 'GET') event.respondWith(page(event, files));
  else if (request.method === 'HEAD') event.respondWith(head(request));
  // A Worker's script takes its policy from the very answer; one from the cache must not say that it was redirected.
  else if (request.destination === 'worker') event.respondWith(script(request));
});

// Where the browser can be told so once, it asks nobody here for what only the network has.
self.addEventListener('install', (event: ExtendableEvent & { addRoutes?: AddRoutes }) => {
  const routes = event.addRoutes?.({ condition: { urlPattern: '/trpc/*' }, source: 'network' });
  // A browser that does not like the rule asks here as before.
  if (routes) event.waitUntil(routes.catch(() => undefined));
});

precacheAndRoute(files, { ignoreURLParametersMatching: [/.*/], cleanURLs: true });

/** A page says that its person wants the new version: all tabs change over together. */
self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') event.waitUntil(self.skipWaiting());
});

/** Written without a network, and no page is open any more: what is encrypted already is sent from here. */
self.addEventListener('sync', (event) => {
  if (event instanceof ExtendableEvent && 'tag' in event && event.tag === 'outbox')
    event.waitUntil(shipAlone());
});

self.addEventListener('push', (event) => event.waitUntil(pushed()));
self.addEventListener('notificationclick', (event) => event.waitUntil(clicked(event)));
self.addEventListener('pushsubscriptionchange', (event: SubscriptionChange) =>
  event.waitUntil(subscriptionChanged(event)),
);

async function head(request: Request): Promise<Response> {
  const cached = await matchPrecache(new URL(request.url).pathname);
  return cached ? new Response(null, cached) : fetch(request);
}

async function script(request: Request): Promise<Response> {
  const cached = (await matchPrecache(new URL(request.url).pathname)) ?? (await fetch(request));
  return new Response(cached.body, cached);
}
