import { Attachment, EncryptedAttachment } from '@matrix-org/matrix-sdk-crypto-wasm';
import * as z from 'zod';
import { fromBase64, toBase64Url } from '../protocol/base64';
import { loadCrypto } from './library';

/** What was encrypted, where it is to lie, and what opens it. */
export interface SealedAttachment {
  ciphertext: Uint8Array;
  /** SHA-256 of the ciphertext, base64url. */
  address: string;
  /** Key, counter and hash; goes into the message. */
  secret: string;
}

/** Came from somebody else's device, or from a server that lies. */
export class AttachmentRefused extends Error {
  override readonly name = 'AttachmentRefused';
}

/** Of https://spec.matrix.org/v1.11/client-server-api/#extensions-to-mroommessage-msgtypes. */
const info = z.object({ hashes: z.object({ sha256: z.string() }) });

/** Encrypts with a key of its own, which is used for nothing else (AES-256 in counter mode; the hash is checked). */
export async function sealAttachment(bytes: Uint8Array): Promise<SealedAttachment> {
  await loadCrypto();
  const sealed = Attachment.encrypt(bytes);
  try {
    const secret = sealed.mediaEncryptionInfo;
    if (secret === undefined) throw new Error('an attachment was encrypted without a key');
    const { sha256 } = info.parse(JSON.parse(secret)).hashes;
    return { ciphertext: sealed.encryptedData, address: toBase64Url(fromBase64(sha256)), secret };
  } finally {
    sealed.free();
  }
}

/** @throws AttachmentRefused when these are not the bytes that the secret was made for */
export async function openAttachment(ciphertext: Uint8Array, secret: string): Promise<Uint8Array> {
  await loadCrypto();
  let sealed: EncryptedAttachment | undefined;
  try {
    sealed = new EncryptedAttachment(ciphertext, secret);
    return Attachment.decrypt(sealed);
  } catch (cause) {
    throw new AttachmentRefused('an attachment is not what was sent', { cause });
  } finally {
    sealed?.free();
  }
}
