import { Dexie, type Table } from 'dexie';

/**
 * The key of the crypto machine's store. It is random and kept wrapped by a CryptoKey that cannot be extracted, so
 * a copy of the profile's files alone does not show it as bytes.
 */
interface StoreKeyRow {
  name: 'machine';
  wrapping: CryptoKey;
  iv: Uint8Array<ArrayBuffer>;
  wrapped: ArrayBuffer;
}

class KeyDb extends Dexie {
  keys!: Table<StoreKeyRow, string>;

  constructor() {
    super('aparte-keys');
    this.version(1).stores({ keys: 'name' });
  }
}

/** @returns 32 bytes; the same ones at every call until the stores are wiped */
export async function openStoreKey(): Promise<Uint8Array> {
  const db = new KeyDb();
  try {
    const row = await db.keys.get('machine');
    if (row) {
      const key = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: row.iv }, row.wrapping, row.wrapped);
      return new Uint8Array(key);
    }
    const key = crypto.getRandomValues(new Uint8Array(32));
    const wrapping = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const wrapped = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, wrapping, key);
    await db.keys.put({ name: 'machine', wrapping, iv, wrapped });
    return key;
  } finally {
    db.close();
  }
}

/** Deletes the machine's databases and its key. The machine must be closed: an open one would block. */
export async function wipeStores(machineStore: string): Promise<void> {
  for (const { name } of await indexedDB.databases()) {
    if (name?.startsWith(machineStore)) await Dexie.delete(name);
  }
  await Dexie.delete('aparte-keys');
}
