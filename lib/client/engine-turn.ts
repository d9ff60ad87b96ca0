import { engineLock } from './engine-lock';

const fail = () => close();
addEventListener('error', fail);

/**
 * Resolves when this worker is the profile's engine, for as long as it lives. Asked for before the rest of its script
 * runs, which takes as long as the answer; where that fails, the worker ends and lets another tab's have the lock.
 */
export const turn = new Promise<void>((resolve, reject) => {
  navigator.locks
    .request(engineLock, () => {
      resolve();
      return new Promise(() => undefined);
    })
    .catch(reject);
});

/** The script has run to its end: what fails from now on is its own business. */
export const hasRun = () => removeEventListener('error', fail);
