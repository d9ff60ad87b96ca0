import type { AlertMessage, EngineMessage } from './engine-worker';
import { type ReadingHint, readElsewhereChannel } from './reading-hint';

let worker: Worker | null = null;
/** What the engine said before somebody listened. */
let unheard: AlertMessage[] = [];
let hear = (message: AlertMessage): void => {
  unheard.push(message);
};

/**
 * This tab's engine worker, started when it is first asked for, if not before: as early as possible, since it loads and
 * opens the crypto library while the page still draws the list. It lives as long as the tab.
 */
export function engineWorker(): Worker {
  if (worker === null) {
    const first = globalThis.aparteEngine;
    worker = first?.worker ?? newWorker();
    const take = (message: EngineMessage) => {
      if (!('readElsewhere' in message)) hear(message);
    };
    first?.said.forEach(take);
    worker.onmessage = ({ data }: MessageEvent<EngineMessage>) => take(data);
  }
  return worker;
}

function newWorker(): Worker {
  // `next dev` knows no first line, and bundles the worker for itself.
  if (process.env.NODE_ENV !== 'production')
    return new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' });
  if (!globalThis.aparteEngine) throw new Error('The page does not begin with its first line.');
  return new Worker(globalThis.aparteEngine.script, { type: 'module' });
}

/** Of all that the engine has said and says, `listener` hears each message once. */
export function hearEngine(listener: (message: AlertMessage) => void): void {
  hear = listener;
  for (const message of unheard) listener(message);
  unheard = [];
}

const listeners = new Set<(reading: ReadingHint) => void>();

/**
 * Tells the engine, in whichever tab it runs, and the lists of this page what a person has just read. A hint: the page
 * stores it too, and what the database says counts. But the page is busy drawing then, and each answer of the database
 * waits for that.
 */
export function hintReading(reading: ReadingHint): void {
  engineWorker().postMessage({ reading });
  for (const listener of listeners) listener(reading);
}

/**
 * What was just read, here or on another device of the account. A hint again: it is being stored, and lists show it when
 * they have read their rows anew; that takes longer than to take a badge away. One may be heard twice.
 * @returns what ends it
 */
export function hearReading(listener: (reading: ReadingHint) => void): () => void {
  const own = engineWorker();
  const channel = new BroadcastChannel(readElsewhereChannel);
  const heard = ({ data }: MessageEvent<EngineMessage>) => {
    if ('readElsewhere' in data) listener(data.readElsewhere);
  };
  listeners.add(listener);
  own.addEventListener('message', heard);
  channel.addEventListener('message', heard);
  return () => {
    listeners.delete(listener);
    own.removeEventListener('message', heard);
    channel.close();
  };
}
