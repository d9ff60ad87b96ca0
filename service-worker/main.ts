/// <reference lib="webworker" />
import { cacheNames } from 'workbox-core';
import { matchPrecache, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';
import type { SubscriptionChange } from './push';
import { page, sharePath } from './shell';

/** Where Next's bundler puts scripts; the engine is not among them. */
const nextScripts = '/_next/static/chunks/';

declare const self: ServiceWorkerGlobalScope & {
  __WB_MANIFEST: PrecacheEntry[];
  __BACKGROUND_SCRIPT: string;
  background?: typeof import('./background');
};
const files = self.__WB_MANIFEST;

/**
 * What runs the engine, for the events that need it. The browser keeps this script with the worker, so it is there
 * without a network: https://www.w3.org/TR/service-workers/#importscripts
 */
function background(): typeof import('./background') {
  if (!self.background) importScripts(self.__BACKGROUND_SCRIPT);
  if (!self.background) throw new Error('The background script holds nothing.');
  return self.background;
}

// Only what an installing worker imports is kept with it.
self.addEventListener('install', (event) => event.waitUntil(Promise.resolve().then(background)));

/** https://www.w3.org/TR/service-workers/#dom-installevent-addroutes; Chromium has it. */
type AddRoutes = (rules: {
  condition: { urlPattern: string; requestDestination?: string };
  source: 'network' | { cacheName: string };
}) => Promise<void>;

// Routes are files of the export; what stands behind a question mark or a hash is the app's business, not the cache's.
// Next asks for the payloads of links with HEAD as well as GET.
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === 'POST' && url.pathname === sharePath)
    event.respondWith(background().takeShared(request));
  else if (request.mode === 'navigate' && request.method === 'GET') event.respondWith(page(event, files));
  else if (request.method === 'HEAD') event.respondWith(head(request));
  // Next's bundler gives a Worker its settings behind a hash, which the answer must not take from it.
  else if (request.destination === 'worker' && url.pathname.startsWith(nextScripts))
    event.respondWith(script(request));
});

// Where the browser can be told so once, it asks nobody here for what only the network has, nor for what its name alone
// finds in the cache.
self.addEventListener('install', (event: ExtendableEvent & { addRoutes?: AddRoutes }) => {
  const rules = [
    { condition: { urlPattern: '/trpc/*' }, source: 'network' as const },
    { condition: { urlPattern: '/media/*' }, source: 'network' as const },
    // By what asks for it: a Worker of Next's bundler is answered here, see above.
    ...['script', 'style'].map((requestDestination) => ({
      condition: { urlPattern: '/_next/static/*', requestDestination },
      source: { cacheName: cacheNames.precache },
    })),
  ];
  for (const rule of rules) {
    const route = event.addRoutes?.(rule);
    // A browser that does not like the rule asks here as before.
    if (route) event.waitUntil(route.catch(() => undefined));
  }
});

precacheAndRoute(files, { ignoreURLParametersMatching: [/.*/], cleanURLs: true });

/** A page says that its person wants the new version: all tabs change over together. */
self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') event.waitUntil(self.skipWaiting());
});

/** Written without a network, and no page is open any more: what is encrypted already is sent from here. */
self.addEventListener('sync', (event) => {
  if (event instanceof ExtendableEvent && 'tag' in event && event.tag === 'outbox')
    event.waitUntil(background().shipAlone());
});

self.addEventListener('push', (event) => event.waitUntil(background().pushed()));
self.addEventListener('notificationclick', (event) => event.waitUntil(background().clicked(event)));
self.addEventListener('pushsubscriptionchange', (event: SubscriptionChange) =>
  event.waitUntil(background().subscriptionChanged(event)),
);

async function head(request: Request): Promise<Response> {
  const cached = await matchPrecache(new URL(request.url).pathname);
  return cached ? new Response(null, cached) : fetch(request);
}

async function script(request: Request): Promise<Response> {
  const cached = (await matchPrecache(new URL(request.url).pathname)) ?? (await fetch(request));
  return new Response(cached.body, cached);
}
