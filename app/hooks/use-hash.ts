'use client';

import { useSyncExternalStore } from 'react';

const subscribe = (changed: () => void) => {
  addEventListener('hashchange', changed);
  addEventListener('popstate', changed);
  return () => {
    removeEventListener('hashchange', changed);
    removeEventListener('popstate', changed);
  };
};

const part = (index: number) => location.hash.slice(1).split('/')[index] ?? '';

/** The conversation that the address names. It stands in the hash, which never reaches the server. */
export function useHash(): string {
  return useSyncExternalStore(
    subscribe,
    () => part(0),
    () => '',
  );
}

/** The message that the address names beside its conversation; '' for none. */
export function useHashMessage(): string {
  return useSyncExternalStore(
    subscribe,
    () => part(1),
    () => '',
  );
}

/** The message was shown: the address names the conversation alone again, so that it can be asked for once more. */
export function forgetHashMessage(): void {
  history.replaceState(history.state, '', `#${part(0)}`);
}
