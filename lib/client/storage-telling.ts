import { type StorageState, storageChannel } from './storage-state';

const channel = new BroadcastChannel(storageChannel);
let latest: StorageState = { state: 'sound' };

/** Tells all tabs; those that open later ask. */
export function tellStorage(state: StorageState): void {
  latest = state;
  channel.postMessage(state);
}

/** For the one that runs the engine. @param hurry a person does not want to wait for the next try */
export function hearStorage(hurry: () => void): void {
  channel.onmessage = ({ data }) => {
    if (data === 'ask') channel.postMessage(latest);
    else if (data === 'hurry') hurry();
  };
}
