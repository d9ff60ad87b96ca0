'use client';

import { useCallback, useEffect, useState } from 'react';
import {
  readStorageState,
  type StorageState,
  storageChannel,
  storageTrouble,
} from '../../lib/client/storage-state';
import { hurryEngine } from './use-multi-device-sync';

/**
 * How it stands with the storage: as the engine tells it, wherever that runs, and as this tab's own wishes fare. A wish
 * that could not be written is told here too, since no component waits for it.
 */
export function useStorage(): { storage: StorageState['state']; tryAgain: () => void } {
  const [storage, setStorage] = useState<StorageState['state']>('sound');
  useEffect(() => {
    const channel = new BroadcastChannel(storageChannel);
    channel.onmessage = ({ data }) => {
      const told = readStorageState(data);
      if (told) setStorage(told);
    };
    channel.postMessage('ask');
    const failed = ({ reason }: PromiseRejectionEvent) => {
      if (storageTrouble(reason) === 'full') setStorage('full');
    };
    addEventListener('unhandledrejection', failed);
    return () => {
      removeEventListener('unhandledrejection', failed);
      channel.close();
    };
  }, []);
  const tryAgain = useCallback(() => {
    setStorage('sound');
    hurryEngine();
  }, []);
  return { storage, tryAgain };
}
