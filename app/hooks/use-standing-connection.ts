'use client';

import { useEffect, useState, useSyncExternalStore } from 'react';
import { useConnection } from './use-live';

/** How it stands with the network, as a person understands it. */
export type Standing =
  | { state: 'online' }
  /** The machine has no network. */
  | { state: 'offline' }
  | { state: 'connecting' }
  | { state: 'catching_up' }
  /** There is a network, and no server: it is tried again in so many seconds. */
  | { state: 'waiting'; seconds: number };

const subscribe = (changed: () => void) => {
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
};

export function useStandingConnection(): Standing {
  const connection = useConnection();
  const network = useSyncExternalStore(
    subscribe,
    () => navigator.onLine,
    () => true,
  );
  const retryAt = connection?.state === 'waiting' ? connection.retryAt : 0;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (retryAt === 0) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [retryAt]);
  if (!connection || connection.state === 'online') return { state: 'online' };
  if (!network || connection.state === 'offline') return { state: 'offline' };
  if (connection.state !== 'waiting') return connection;
  return { state: 'waiting', seconds: Math.max(1, Math.ceil((retryAt - now) / 1_000)) };
}
