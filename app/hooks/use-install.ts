'use client';

import { useSyncExternalStore } from 'react';

/** Chromium's; other browsers do not have it. */
interface InstallEvent extends Event {
  prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

export type Install =
  /** It runs as an app already. */
  | { way: 'installed' }
  /** The browser lets the page ask. */
  | { way: 'ask'; ask: () => Promise<void> }
  /** Safari on a phone or tablet: a person does it in the share menu. */
  | { way: 'ios' }
  /** The browser has it in its own menu, or not at all. */
  | { way: 'menu' };

const listeners = new Set<() => void>();
let waiting: InstallEvent | null = null;
let installed = false;
let current: Install = { way: 'menu' };

function look(): void {
  if (installed || runsAsApp()) current = { way: 'installed' };
  else if (waiting) current = { way: 'ask', ask };
  else current = { way: isIos() ? 'ios' : 'menu' };
  for (const changed of listeners) changed();
}

async function ask(): Promise<void> {
  const event = waiting;
  waiting = null;
  // It can be asked once; the browser sends another when it may be asked again.
  if (event) installed = (await event.prompt()).outcome === 'accepted';
  look();
}

const runsAsApp = () =>
  matchMedia('(display-mode: standalone)').matches ||
  ('standalone' in navigator && navigator.standalone === true);

/** iPads call themselves Macs, but no Mac has a touch screen. */
const isIos = () =>
  /iPhone|iPad|iPod/.test(navigator.userAgent) ||
  (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

// The browser may say so before anything is on the screen.
if (typeof window !== 'undefined') {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    if ('prompt' in event) waiting = event as InstallEvent;
    look();
  });
  addEventListener('appinstalled', () => {
    installed = true;
    look();
  });
  look();
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  return () => listeners.delete(changed);
}

const onServer: Install = { way: 'menu' };

/** How this browser installs the app. */
export const useInstall = (): Install =>
  useSyncExternalStore(
    subscribe,
    () => current,
    () => onServer,
  );
