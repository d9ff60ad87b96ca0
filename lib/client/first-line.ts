import type { EngineMessage } from './engine-worker';
import { markFirstVisit } from './first-visit';

/** What the first line of a page leaves to its scripts. */
interface FirstLine {
  /** The address of the engine's one file. */
  readonly script: string;
  /** The engine, if it was started, and what it has said so far. */
  readonly worker: Worker | null;
  readonly said: readonly EngineMessage[];
}

declare global {
  var aparteEngine: FirstLine | undefined;
  /** Put in by the build. */
  var __ENGINE_SCRIPT: string;
}

// The build puts this at the head of each page, before all else. Where the files are here already, the engine need not
// wait until every script of the page has come and run, a third of the time until messages are there. Where they are
// not, at a first visit, what draws the page is fetched before; and without a network there is nothing to fetch, and the
// list is drawn sooner by itself.
const script = globalThis.__ENGINE_SCRIPT;
const isHere = navigator.onLine && Boolean(navigator.serviceWorker?.controller);
const said: EngineMessage[] = [];
const worker = isHere ? new Worker(script, { type: 'module' }) : null;
if (worker)
  worker.onmessage = ({ data }: MessageEvent<EngineMessage>) => {
    said.push(data);
  };
globalThis.aparteEngine = { script, worker, said };
// The first thing that is formatted takes 15 ms in each process, for the tables of all languages: while the page waits for
// its scripts, if it does, and not in the way of the worker's start. The welcome formats nothing.
if (navigator.serviceWorker?.controller) globalThis.requestIdleCallback?.(() => new Intl.DateTimeFormat());
markFirstVisit();
