import { engineLock } from './engine-lock';

/**
 * Resolves when this worker is the profile's engine, for as long as it lives. Asked for before the rest of its script
 * runs, which takes as long as the answer.
 */
export const turn = new Promise<void>((resolve, reject) => {
  navigator.locks
    .request(engineLock, () => {
      resolve();
      return new Promise(() => undefined);
    })
    .catch(reject);
});
