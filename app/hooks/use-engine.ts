'use client';

import { useEffect } from 'react';

/** Starts this tab's engine worker. Of all tabs' workers one holds the lock and works. */
export function useEngine(): void {
  useEffect(() => {
    const worker = new Worker(new URL('../../lib/client/engine-worker.ts', import.meta.url), {
      type: 'module',
    });
    const hurry = () => {
      if (document.visibilityState === 'visible') worker.postMessage('hurry');
    };
    document.addEventListener('visibilitychange', hurry);
    return () => {
      document.removeEventListener('visibilitychange', hurry);
      worker.terminate();
    };
  }, []);
}
