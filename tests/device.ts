import { Dexie } from 'dexie';
import { type Alert, aboutOf, type DeviceAlert, type MessageAlert } from '../lib/client/alerts';
import { createApi } from '../lib/client/api';
import { AparteDb } from '../lib/client/db';
import { type Engine, startEngine } from '../lib/client/engine';
import type { Environment } from '../lib/client/environment';
import { type Author, signUp } from '../lib/client/intents';
import { keyTransport } from '../lib/client/key-transport';
import { createMedia } from '../lib/client/media';
import type { Session } from '../lib/client/meta';
import type { ReadingHint } from '../lib/client/reading-hint';
import type { StorageState } from '../lib/client/storage-state';
import { trustLedger } from '../lib/client/trust-ledger';
import { openMachine } from '../lib/crypto/machine';
import type { CryptoMachine } from '../lib/crypto/types';
import { DeviceNetwork } from './network';
import { testKey } from './store-key';

let databases = 0;

/**
 * A device in Node: the real engine, the real crypto and a real server; the clock runs faster, the dice and the
 * network are the test's.
 */
export class TestDevice {
  readonly db: AparteDb;
  readonly author: Author;
  readonly network: DeviceNetwork;
  readonly log: string[] = [];
  /** What its owner is told, by conversation or device, without what was taken back. */
  readonly alerts = new Map<string, Alert>();
  readonly shown: MessageAlert[] = [];
  readonly shownDevices: DeviceAlert[] = [];
  timeZone = 'UTC';
  /** What it has told of its storage. */
  readonly storage: StorageState['state'][] = [];
  /** What its pages were told of reading on other devices. */
  readonly readElsewhere: ReadingHint[] = [];
  lookedAt = false;
  /** How often the engine has asked whether somebody looks. */
  looks = 0;
  /** How wrong its clock is. */
  clockOffsetMs = 0;
  /** Where its clock stands still, if it does. */
  clockStoppedAt: number | null = null;
  #engine: Engine | null = null;
  readonly #name = `device-${databases++}`;

  constructor(
    origin: () => string,
    private readonly dice: () => number,
    /** Waiting is shortened by this factor. */
    private readonly haste = 50,
  ) {
    this.db = new AparteDb(testKey, this.#name);
    this.network = new DeviceNetwork(origin, dice);
    this.author = { db: this.db, now: () => this.#now(), newId: () => this.#newId() };
  }

  start(): void {
    this.#engine = startEngine(this.environment());
  }

  /** Ends the engine as a closed tab would; what it has stored stays. */
  async stop(): Promise<void> {
    await this.#engine?.stop();
    this.#engine = null;
  }

  async close(): Promise<void> {
    await this.stop();
    this.db.close();
  }

  /** Deletes the store of its keys, as a browser may that clears away what it has not seen in use. */
  async wipeKeys(): Promise<void> {
    for (const { name } of await indexedDB.databases()) {
      if (name?.startsWith(`${this.#name}-machine`)) await Dexie.delete(name);
    }
  }

  hurry(): void {
    this.#engine?.hurry();
  }

  async signUp(handle: string): Promise<Extract<Session, { state: 'signed_in' }>> {
    await signUp(this.author, {
      handle,
      name: handle.toUpperCase(),
      deviceName: 'Node',
      deviceType: 'DESKTOP',
    });
    const session = await this.until(async () => {
      const now = await this.db.readMeta('session');
      return now?.state === 'signed_in' || now?.state === 'sign_up_failed' ? now : undefined;
    }, 'signing up');
    if (session.state !== 'signed_in') throw new Error(`sign-up failed: ${session.code}`);
    return session;
  }

  /** Looks until `look` finds something, for at most `withinMs`. */
  async until<T>(look: () => Promise<T | undefined>, what: string, withinMs = 200_000): Promise<T> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Error(`${this.#name}: waited in vain for ${what}: ${this.log.slice(-5)}`);
      await new Promise<void>((resolve) => setTimeout(resolve, 5));
    }
  }

  #now(): number {
    return this.clockStoppedAt ?? Date.now() + this.clockOffsetMs;
  }

  #newId(): string {
    const hex = (digits: number) =>
      Array.from({ length: digits }, () => Math.floor(this.dice() * 16).toString(16)).join('');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  }

  /** A click opens a conversation at its end. */
  read(reading: ReadingHint): void {
    this.#engine?.read(reading);
  }

  environment(): Environment {
    const { db, network } = this;
    const api = createApi('', network.fetch);
    const key = new Uint8Array(32).fill(7);
    return {
      db,
      api,
      media: createMedia('', network.fetch),
      openSocket: network.openSocket,
      openMachine: (ids, transport): Promise<CryptoMachine> =>
        openMachine({
          ...ids,
          store: { name: `${this.#name}-machine`, key },
          transport: transport ?? keyTransport(api),
          ledger: trustLedger(db),
        }),
      alerts: {
        show: (alert) => {
          if ('event' in alert) this.shownDevices.push(alert);
          else this.shown.push(alert);
          this.alerts.set(aboutOf(alert), alert);
        },
        close: (about) => {
          this.alerts.delete(about);
        },
        end: () => this.alerts.clear(),
        lookedAt: async () => {
          this.looks += 1;
          return this.lookedAt;
        },
        timeZone: () => this.timeZone,
      },
      wipeMachine: () => this.wipeKeys(),
      tellStorage: ({ state }) => this.storage.push(state),
      tellReadElsewhere: (reading) => this.readElsewhere.push(reading),
      now: () => this.#now(),
      random: this.dice,
      newId: () => this.#newId(),
      newSecret: () =>
        Buffer.from(Array.from({ length: 32 }, () => Math.floor(this.dice() * 256))).toString('base64url'),
      after: (ms, call) => {
        const timer = setTimeout(call, ms / this.haste);
        return () => clearTimeout(timer);
      },
      log: (event, error) =>
        this.log.push(`${event}: ${error instanceof Error ? error.message : String(error ?? '')}`),
    };
  }
}
