import type { AlertMessage } from './engine-worker';

let worker: Worker | null = null;
/** What the engine said before somebody listened. */
let unheard: AlertMessage[] = [];
let hear = (message: AlertMessage): void => {
  unheard.push(message);
};

/**
 * This tab's engine worker, started when it is first asked for: as early as possible, since it loads and opens the
 * crypto library while the page still draws the list. It lives as long as the tab.
 */
export function engineWorker(): Worker {
  if (worker === null) {
    worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<AlertMessage>) => hear(data);
  }
  return worker;
}

/** Of all that the engine has said and says, `listener` hears each message once. */
export function hearEngine(listener: (message: AlertMessage) => void): void {
  hear = listener;
  for (const message of unheard) listener(message);
  unheard = [];
}
