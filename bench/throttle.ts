import { Worker } from 'node:worker_threads';

/**
 * Lets processes run a quarter of the time only, all their threads alike: a browser's own throttle slows the thread of
 * the page and leaves its workers fast, which are what decrypts. In short turns, since a slow processor is slow and not
 * away: a long stop would be added to every question to the browser's other processes.
 * @returns what lets them run again
 */
export function quarterSpeed(pids: number[]): () => Promise<void> {
  const code = `
    const { workerData } = require('node:worker_threads');
    const { pids, state } = workerData;
    const wait = (ms) => Atomics.wait(state, 1, 0, ms);
    const tell = (signal) => pids.forEach((pid) => { try { process.kill(pid, signal); } catch (gone) { Atomics.store(state, 0, 1); } });
    while (Atomics.load(state, 0) === 0) { tell('SIGSTOP'); wait(3); tell('SIGCONT'); wait(1); }
  `;
  const state = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(code, { eval: true, workerData: { pids, state } });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return async () => {
    Atomics.store(state, 0, 1);
    await ended;
  };
}
