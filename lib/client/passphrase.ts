import { argon2idAsync } from '@noble/hashes/argon2.js';

/** How a passphrase becomes a key; kept beside what the key opens, so that it can be made harder later. */
export interface Derivation {
  name: 'argon2id';
  salt: Uint8Array<ArrayBuffer>;
  memoryKib: number;
  passes: number;
}

/**
 * 64 MiB twice: more than three times what OWASP asks of Argon2id, about a second here and a few on a small phone. Each
 * guess costs a thief the same memory, which is what graphics cards have little of for each of their cores.
 */
export const newDerivation = (): Derivation => ({
  name: 'argon2id',
  salt: crypto.getRandomValues(new Uint8Array(16)),
  memoryKib: 64 * 1024,
  passes: 2,
});

/** Lets the screen breathe meanwhile. @returns an AES-GCM key that only wraps and unwraps */
export async function deriveKey(passphrase: string, derivation: Derivation): Promise<CryptoKey> {
  const { salt, memoryKib, passes } = derivation;
  // The same words typed on another keyboard are the same passphrase.
  const typed = new TextEncoder().encode(passphrase.normalize('NFKC'));
  const made = await argon2idAsync(typed, salt, { m: memoryKib, t: passes, p: 1, dkLen: 32, asyncTick: 12 });
  return crypto.subtle.importKey('raw', Uint8Array.from(made), 'AES-GCM', false, ['encrypt', 'decrypt']);
}
