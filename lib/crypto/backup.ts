import {
  BackupDecryptionKey,
  type OlmMachine,
  RequestType,
  RoomId,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { fromBase64, toBase64 } from '../protocol/base64';
import type { Archive } from './archive';
import { parseBackedUpKey, parseBackupPage, parseObject } from './json';

/**
 * The key backup: pages of sender keys on the server, for a device that comes later.
 *
 * The library encrypts each key for the public half of the backup key, so whoever knows that half could slip keys of
 * their own in. Each page is therefore sealed as a whole with AES-256-GCM under a key that is derived (HKDF-SHA-256,
 * RFC 5869, with the page's id as salt) from the private half, which only the account's devices have: a page that
 * opens was made by one of them.
 */
const version = '1';

/** Makes the backup key of an account that has none. */
export async function createBackup(olm: OlmMachine): Promise<void> {
  const key = BackupDecryptionKey.createRandomKey();
  await olm.saveBackupDecryptionKey(key, version);
  await resumeBackup(olm);
}

/** Starts noting what is to be backed up, if this device has the key. @returns whether it has */
export async function resumeBackup(olm: OlmMachine): Promise<boolean> {
  const key = await backupKey(olm);
  if (!key) return false;
  const publicKey = key.megolmV1PublicKey;
  await olm.enableBackupV1(publicKey.publicKeyBase64, version);
  return true;
}

export interface SealedPage {
  /** For `pageStored`. */
  requestId: string;
  /** Base64. */
  page: string;
}

/** The next up to a hundred keys that are not in the backup. @param pageId a UUID that no page had before */
export async function nextPage(olm: OlmMachine, pageId: string): Promise<SealedPage | null> {
  const key = await backupKey(olm);
  if (!key) return null;
  const request = await olm.backupRoomKeys();
  if (!request) return null;
  const page = await seal(olm, key, 'key backup page', pageId, new TextEncoder().encode(request.body));
  return { requestId: request.id, page };
}

export async function pageStored(olm: OlmMachine, requestId: string): Promise<void> {
  await olm.markRequestAsSent(requestId, RequestType.KeysBackup, JSON.stringify({ etag: '', count: 0 }));
}

/**
 * Takes the keys of a page in. A page that none of the account's devices has made is passed over.
 * @returns the rooms that got keys
 */
export async function importPage(olm: OlmMachine, archive: Archive, page: string): Promise<string[]> {
  const key = await backupKey(olm);
  if (!key) return [];
  const rooms = await openPage(olm, key, page);
  const found = new Map<RoomId, Map<string, unknown>>();
  const exported: Record<string, unknown>[] = [];
  for (const [roomId, { sessions }] of Object.entries(rooms)) {
    const keys = new Map<string, unknown>();
    for (const [sessionId, { session_data: data }] of Object.entries(sessions)) {
      const backedUp = parseBackedUpKey(key.decryptV1(data.ephemeral, data.mac, data.ciphertext));
      keys.set(sessionId, backedUp);
      exported.push({ ...backedUp, room_id: roomId, session_id: sessionId });
    }
    found.set(new RoomId(roomId), keys);
  }
  if (found.size > 0) await olm.importBackedUpRoomKeys(found, () => undefined, version);
  await archive.take(exported);
  return Object.keys(rooms);
}

/** @returns JSON of the library's, with the keys of those of these messages that could be opened here */
export async function exportKeysOf(olm: OlmMachine, ciphertexts: string[], most: number): Promise<string> {
  const wanted = new Set<unknown>();
  for (const ciphertext of ciphertexts) {
    const session = parseObject(ciphertext)?.session_id;
    if (typeof session === 'string' && wanted.size < most) wanted.add(session);
  }
  return olm.exportRoomKeys((session) => {
    const isWanted = wanted.has(session.sessionId);
    session.free();
    return isWanted;
  });
}

async function openPage(olm: OlmMachine, key: BackupDecryptionKey, page: string) {
  const opened = await open(olm, key, 'key backup page', page);
  // Not made with our key: the server's work, or damage. Its keys are missing, which shows where they are needed.
  return opened ? parseBackupPage(new TextDecoder().decode(opened)).rooms : {};
}

/** What the account knows beside its messages, compressed and sealed likewise. @param pageId a UUID that no page had */
export async function sealState(olm: OlmMachine, pageId: string, text: string): Promise<string | null> {
  const key = await backupKey(olm);
  if (!key) return null;
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  return seal(olm, key, 'account state', pageId, bytes);
}

/** @returns `null` for what no device of this account has made */
export async function openState(olm: OlmMachine, page: string): Promise<string | null> {
  const key = await backupKey(olm);
  const opened = key && (await open(olm, key, 'account state', page));
  if (!opened) return null;
  return new Response(new Blob([opened]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
}

type Purpose = 'key backup page' | 'account state';

async function seal(
  olm: OlmMachine,
  key: BackupDecryptionKey,
  purpose: Purpose,
  pageId: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const salt = uuidBytes(pageId);
  const sealed = await crypto.subtle.encrypt(
    // Each page has a key of its own, which is used this once.
    { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: owner(olm) },
    await pageKey(key, purpose, salt, 'encrypt'),
    bytes,
  );
  const page = new Uint8Array(salt.length + sealed.byteLength);
  page.set(salt);
  page.set(new Uint8Array(sealed), salt.length);
  return toBase64(page);
}

/** @returns `null` for what was not sealed for this purpose with this key */
async function open(
  olm: OlmMachine,
  key: BackupDecryptionKey,
  purpose: Purpose,
  page: string,
): Promise<ArrayBuffer | null> {
  const bytes = fromBase64(page);
  try {
    return await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: owner(olm) },
      await pageKey(key, purpose, bytes.slice(0, 16), 'decrypt'),
      bytes.slice(16),
    );
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

async function backupKey(olm: OlmMachine): Promise<BackupDecryptionKey | undefined> {
  return (await olm.getBackupKeys()).decryptionKey;
}

async function pageKey(
  key: BackupDecryptionKey,
  purpose: Purpose,
  salt: Uint8Array<ArrayBuffer>,
  usage: 'encrypt' | 'decrypt',
) {
  const text = key.toBase64();
  const secret = fromBase64(text);
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const info = new TextEncoder().encode(`aparte ${purpose}`);
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    [usage],
  );
}

const owner = (olm: OlmMachine) => new TextEncoder().encode(olm.userId.toString());

function uuidBytes(id: string): Uint8Array<ArrayBuffer> {
  const hex = id.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
