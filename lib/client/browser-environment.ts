import { openMachine } from '../crypto/machine';
import { toBase64Url } from '../protocol/base64';
import type { AlertPort } from './alerts';
import { createApi } from './api';
import { AparteDb } from './db';
import type { Environment, Socket, SocketListener } from './environment';
import { keyTransport } from './key-transport';
import { createMedia } from './media';
import { type ReadElsewhere, type ReadingHint, readElsewhereChannel } from './reading-hint';
import { tellStorage } from './storage-telling';
import { type Store, wipeStores } from './store-key';
import { trustLedger } from './trust-ledger';

export const machineStore = 'aparte-machine';

/**
 * What the engine takes from a browser, in a page's Worker or in the service worker.
 * @param keyOf a store of this profile
 */
export function browserEnvironment(
  alerts: AlertPort,
  keyOf: (store: Store) => Promise<Uint8Array>,
): Environment {
  const db = new AparteDb(() => keyOf('cache'));
  const bytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  return {
    db,
    api: createApi('', (input, init) => fetch(input, init)),
    media: createMedia('', (input, init) => fetch(input, init)),
    openSocket,
    openMachine: async (ids, transport) =>
      openMachine({
        userId: ids.userId,
        deviceId: ids.deviceId,
        store: { name: machineStore, key: await keyOf('machine') },
        transport: transport ?? keyTransport(createApi('', (input, init) => fetch(input, init))),
        ledger: trustLedger(db),
      }),
    tellStorage,
    tellReadElsewhere,
    wipeMachine: () => wipeStores(machineStore),
    alerts,
    now: () => Date.now(),
    random: () => Math.random(),
    newId: () => crypto.randomUUID(),
    newSecret: () => toBase64Url(bytes(32)),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    // The event's name and the error's type only: an error's text could quote what it failed on.
    log: (event, error) => console.warn(`aparte: ${event}`, error instanceof Error ? error.name : ''),
  };
}

function openSocket(on: SocketListener): Socket {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') on.message(data);
  };
  socket.onclose = ({ code, reason }) => on.closed(code, reason);
  return {
    send: (text) => socket.send(text),
    close: () => {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    },
  };
}

function tellReadElsewhere(readElsewhere: ReadingHint): void {
  const channel = new BroadcastChannel(readElsewhereChannel);
  channel.postMessage({ readElsewhere } satisfies ReadElsewhere);
  channel.close();
}
