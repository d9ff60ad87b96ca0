import './no-eval';
import './engine-turn';
import * as z from 'zod';
import { loadCrypto } from '../crypto/library';
import { id } from '../protocol/ids';
import type { Alert } from './alerts';
import { browserEnvironment, machineStore } from './browser-environment';
import { type Engine, startEngine } from './engine';
import { visibleLock } from './engine-lock';
import { hasRun, turn } from './engine-turn';
import { openKeyRing } from './key-ring';
import { type ReadElsewhere, readingChannel } from './reading-hint';
import { hearStorage } from './storage-telling';

/**
 * A tab's Worker. All tabs of a profile start one; the one that holds the lock runs the engine, the others wait for
 * the lock. A tab that is closed or killed lets go of it by itself, so there is always one engine and never two.
 */
const keys = openKeyRing(() => close());

/** How often it is looked whether the library is here, for somebody who still reads the first screen. */
const lookMs = 1_000;
const looks = 30;

/**
 * A device without keys will need the library: what makes an account, or links a device, begins with it. It waits until
 * the service worker has it, since a load that fails cannot be tried again. One with keys loads it when it opens them:
 * it holds this thread up, and with it what the network is asked meanwhile.
 */
async function loadEarly(): Promise<void> {
  const names = (await indexedDB.databases()).map(({ name }) => name ?? '');
  if (names.some((name) => name.startsWith(machineStore)) || !(await libraryIsHere())) return;
  await loadCrypto();
}

async function libraryIsHere(): Promise<boolean> {
  for (let look = 0; look < looks && 'caches' in globalThis; look++) {
    await new Promise<void>((resolve) => setTimeout(resolve, lookMs));
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) if (url.endsWith('.wasm')) return true;
  }
  return false;
}

/** Of this profile, if this worker holds it. */
let engine: Engine | null = null;

function holdEngine(): void {
  // Whoever opens the machine waits for the same loading, and learns why it fails.
  loadEarly().catch(() => undefined);
  const environment = browserEnvironment(alertsOfPage, (store) => keys.key(store));
  const held = startEngine({
    ...environment,
    tellReadElsewhere: (readElsewhere) => {
      tellPage({ readElsewhere });
      environment.tellReadElsewhere(readElsewhere);
    },
  });
  engine = held;
  hearStorage(() => held.hurry());
  addEventListener('online', () => held.hurry());
  readings.onmessage = ({ data }) => heardReading(data);
}

/** To the engine, from pages whose worker is another. */
const readings = new BroadcastChannel(readingChannel);

addEventListener('message', ({ data }) => {
  if (data === 'hurry') engine?.hurry();
  else if (engine) heardReading(data);
  else readings.postMessage(data);
});

const hint = z.object({ reading: z.object({ conversationId: id, seq: z.int().min(0) }) });

function heardReading(data: unknown): void {
  const parsed = hint.safeParse(data);
  if (parsed.success) engine?.read(parsed.data.reading);
}

/** What the page of this Worker is asked to show or take back: a Worker has no notifications of its own. */
export type AlertMessage = { show: Alert } | { close: string } | { end: true };
/** What the page of this Worker hears. */
export type EngineMessage = AlertMessage | ReadElsewhere;

const tellPage = (message: EngineMessage) => postMessage(message);
const alertsOfPage = {
  show: (alert: Alert) => tellPage({ show: alert }),
  close: (about: string) => tellPage({ close: about }),
  end: () => tellPage({ end: true }),
  lookedAt: async () => ((await navigator.locks.query()).held ?? []).some(({ name }) => name === visibleLock),
  timeZone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
};

turn.then(holdEngine).catch((error: unknown) => {
  console.error('aparte: engine', error);
  // Another tab's worker may do better: this one lets go of the lock.
  close();
});
hasRun();
