import type { CryptoMachine, KeyTransport } from '../crypto/types';
import type { AlertPort } from './alerts';
import type { Api } from './api';
import type { AparteDb } from './db';
import type { Media } from './media';
import type { ReadingHint } from './reading-hint';
import type { StorageState } from './storage-state';

/** One WebSocket. After `close` is called, or has been told, nothing more is told. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketListener {
  message: (text: string) => void;
  /** Once, with the close code and reason; 1006 and none when the peer said neither. */
  closed: (code: number, reason: string) => void;
}

/** All that the engine takes from outside, so that a test can hold the clock, the dice and the network. */
export interface Environment {
  db: AparteDb;
  api: Api;
  media: Media;
  openSocket: (on: SocketListener) => Socket;
  /**
   * Opens the device's crypto machine, the only one on its store.
   * @param transport for a device that the server does not know yet; without it, the server
   */
  openMachine: (
    ids: { userId: string; deviceId: string },
    transport?: KeyTransport,
  ) => Promise<CryptoMachine>;
  /** Deletes the machine's store, once it is closed. */
  wipeMachine: () => Promise<void>;
  /** How the owner is told of what arrives; `null` where that cannot be. */
  alerts: AlertPort | null;
  now: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  newId: () => string;
  /** 32 random bytes as base64url. */
  newSecret: () => string;
  /** Calls back once after `ms`. @returns what cancels it */
  after: (ms: number, call: () => void) => () => void;
  /** Tells all tabs how it stands with the storage, which may be unable to. */
  tellStorage: (state: StorageState) => void;
  /** Tells all tabs what was read on another device, before it is stored. */
  tellReadElsewhere: (reading: ReadingHint) => void;
  /** An event without content, keys or tokens. */
  log: (event: string, error?: unknown) => void;
}
