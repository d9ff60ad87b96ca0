import type { EngineMessage } from './engine-worker';

/** What the first line of a page leaves to its scripts: the engine, and what that has said so far. */
interface EarlyEngine {
  readonly worker: Worker;
  readonly said: readonly EngineMessage[];
}

declare global {
  var aparteEngine: EarlyEngine | undefined;
  /** The address of the engine's one file, put in by the build. */
  var __ENGINE_SCRIPT: string;
}

// The build puts this at the head of each page, before all else. Where the files are here already, the engine need not
// wait until every script of the page has come and run, a third of the time until messages are there. Where they are
// not, at a first visit, what draws the page is fetched before; and without a network there is nothing to fetch, and the
// list is drawn sooner by itself.
if (navigator.onLine && navigator.serviceWorker?.controller) {
  const said: EngineMessage[] = [];
  const worker = new Worker(globalThis.__ENGINE_SCRIPT);
  worker.onmessage = ({ data }: MessageEvent<EngineMessage>) => {
    said.push(data);
  };
  globalThis.aparteEngine = { worker, said };
}
