import { openMachine } from '../crypto/machine';
import { createApi } from './api';
import { AparteDb } from './db';
import { type Engine, startEngine } from './engine';
import { engineLock } from './engine-lock';
import type { Environment, Socket, SocketListener } from './environment';
import { keyTransport } from './key-transport';
import { openStoreKey, wipeStores } from './store-key';
import { trustLedger } from './trust-ledger';

/**
 * A tab's Worker. All tabs of a profile start one; the one that holds the lock runs the engine, the others wait for
 * the lock. A tab that is closed or killed lets go of it by itself, so there is always one engine and never two.
 */
const machineStore = 'aparte-machine';

function browserEnvironment(): Environment {
  const db = new AparteDb();
  const bytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  return {
    db,
    api: createApi('', (input, init) => fetch(input, init)),
    openSocket,
    openMachine: async (ids, transport) =>
      openMachine({
        userId: ids.userId,
        deviceId: ids.deviceId,
        store: { name: machineStore, key: await openStoreKey() },
        transport: transport ?? keyTransport(createApi('', (input, init) => fetch(input, init))),
        ledger: trustLedger(db),
      }),
    wipeMachine: () => wipeStores(machineStore),
    now: () => Date.now(),
    random: () => Math.random(),
    newId: () => crypto.randomUUID(),
    newSecret: () =>
      btoa(String.fromCharCode(...bytes(32)))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replaceAll('=', ''),
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
  socket.onclose = ({ code }) => on.closed(code);
  return {
    send: (text) => socket.send(text),
    close: () => {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    },
  };
}

async function holdEngine(): Promise<never> {
  const engine: Engine = startEngine(browserEnvironment());
  addEventListener('online', () => engine.hurry());
  addEventListener('message', (event) => {
    if (event.data === 'hurry') engine.hurry();
  });
  return new Promise(() => undefined);
}

navigator.locks
  .request(engineLock, holdEngine)
  .catch((error: unknown) => console.error('aparte: engine', error));
