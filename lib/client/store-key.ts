import { Dexie, type Table } from 'dexie';
import type { Derivation } from './passphrase';

/** The one key of what this profile stores: random, and kept wrapped only. */
export type StoreKeyRow = {
  name: 'store';
  iv: Uint8Array<ArrayBuffer>;
  wrapped: ArrayBuffer;
} & (
  | {
      /** Cannot be extracted: a copy of the profile's files alone does not show the key as bytes. */
      wrapping: CryptoKey;
    }
  /** Wrapped by what a person knows: nothing here opens it. */
  | { derivation: Derivation }
);

/** What is sealed under a key of its own. */
export type Store = 'machine' | 'cache';

const database = 'aparte-keys';

class KeyDb extends Dexie {
  keys!: Table<StoreKeyRow, string>;

  constructor() {
    super(database);
    this.version(1).stores({ keys: 'name' });
  }
}

async function withKeys<T>(work: (db: KeyDb) => Promise<T>): Promise<T> {
  const db = new KeyDb();
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

/** How the key is kept; the first time it is made. A page and its worker begin at once: the first row stands. */
export const readKeyRow = async (): Promise<StoreKeyRow> =>
  (await withKeys((db) => db.keys.get('store'))) ?? (await alone(makeKeyRow));

async function makeKeyRow(): Promise<StoreKeyRow> {
  const first = await withKeys((db) => db.keys.get('store'));
  if (first) return first;
  // The browser has cleared the key of what lies here: nobody can ever read it, and it must not be taken for readable.
  for (const name of await stores()) if (await holdsRows(name)) await Dexie.delete(name);
  return keepFirst(await wrapOpenly(crypto.getRandomValues(new Uint8Array(32))));
}

/** What a tab or its worker has just made, while it waits for this key, holds nothing, and is not taken from under it. */
async function holdsRows(name: string): Promise<boolean> {
  const db = await new Dexie(name).open();
  try {
    for (const table of db.tables) if ((await table.count()) > 0) return true;
    return false;
  } finally {
    db.close();
  }
}

/** Also where there are no locks: of two that make a key at once both get the one that was stored first. */
const keepFirst = (made: StoreKeyRow): Promise<StoreKeyRow> =>
  withKeys((db) =>
    db.transaction('rw', db.keys, async () => {
      const first = await db.keys.get('store');
      if (!first) await db.keys.add(made);
      return first ?? made;
    }),
  );

/** One tab or worker of the profile at a time, where there can be several. */
const alone = <T>(work: () => Promise<T>): Promise<T> =>
  typeof navigator !== 'undefined' && 'locks' in navigator
    ? navigator.locks.request('aparte-make-key', work)
    : work();

/** The databases of this profile, its keys aside. */
async function stores(): Promise<string[]> {
  const all = await indexedDB.databases();
  return all.flatMap(({ name }) => (name?.startsWith('aparte') && name !== database ? [name] : []));
}

export const writeKeyRow = (row: StoreKeyRow): Promise<void> =>
  withKeys(async (db) => {
    await db.keys.put(row);
  });

/** For a profile without a passphrase: whoever runs code here may use the key that wraps, and cannot take it away. */
export async function wrapOpenly(root: Uint8Array<ArrayBuffer>): Promise<StoreKeyRow> {
  const usages: KeyUsage[] = ['encrypt', 'decrypt'];
  const wrapping = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages);
  return { name: 'store', wrapping, ...(await wrap(root, wrapping)) };
}

export async function wrap(root: Uint8Array<ArrayBuffer>, wrapping: CryptoKey) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, wrapped: await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, wrapping, root) };
}

/** @returns `null` when it is not the key that wrapped */
export async function unwrap(
  { iv, wrapped }: StoreKeyRow,
  wrapping: CryptoKey,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, wrapping, wrapped));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'OperationError') return null;
    throw error;
  }
}

/** @returns 32 bytes for one store; the same ones as long as the root is the same */
export async function storeKeyOf(root: Uint8Array<ArrayBuffer>, store: Store): Promise<Uint8Array> {
  const material = await crypto.subtle.importKey('raw', root, 'HKDF', false, ['deriveBits']);
  const info = new TextEncoder().encode(`aparte ${store}`);
  const salt = new Uint8Array(0);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, material, 256),
  );
}

/** Deletes the machine's databases. The machine must be closed: an open one would block. */
export async function wipeStores(machineStore: string): Promise<void> {
  for (const { name } of await indexedDB.databases()) {
    if (name?.startsWith(machineStore)) await Dexie.delete(name);
  }
}

/** Deletes all that this profile has stored, keys last: for who has forgotten the passphrase. */
export async function wipeProfile(): Promise<void> {
  for (const name of await stores()) await Dexie.delete(name);
  await Dexie.delete(database);
}

/** Tabs that do not let go of a database in time keep it until they are closed. */
const clearingMs = 4_000;

/** Deletes what does not open any more: the cache, which the server brings back, or the keys with it. */
export async function clearStores(what: 'cache' | 'all'): Promise<void> {
  const patience = new Promise<void>((resolve) => setTimeout(resolve, clearingMs));
  await Promise.race([what === 'all' ? wipeProfile() : Dexie.delete('aparte'), patience]);
}
