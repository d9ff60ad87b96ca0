import { fromBase64, toBase64, toBase64Url } from '../protocol/base64';
import { decode, encode, normalise } from '../protocol/crockford';

/**
 * The recovery key: 152 random bits and eight to check them by, 32 letters in eight groups of four.
 *
 * Two keys are derived from it (HKDF-SHA-256, RFC 5869): one tells the server that this is the right one, the other
 * encrypts the account's secrets (AES-256-GCM). Neither gives the other away, and both have 152 bits behind them: the
 * server, which keeps the ciphertext and a hash of the first, has nothing to guess at. docs/decisions/0007.
 */
export interface RecoveryKey {
  /** 32 bytes as base64url. */
  authentication: string;
  /** @returns base64 */
  seal(text: string): Promise<string>;
  /** `null`: not sealed with this key. */
  open(sealed: string): Promise<string | null>;
}

const randomBytes = 19;
const keyLetters = 32;
const ivBytes = 12;

/** Makes a key, in groups, as a person keeps it. @param random fills an array with random bytes */
export async function newRecoveryKey(
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<string> {
  const secret = random(new Uint8Array(randomBytes));
  const bytes = new Uint8Array(randomBytes + 1);
  bytes.set(secret);
  bytes[randomBytes] = await checkByte(secret);
  return encode(bytes).match(/.{4}/g)?.join(' ') ?? '';
}

/** Forgives case, spaces, hyphens, and letters that look alike. @returns undefined for what is no recovery key */
export async function readRecoveryKey(typed: string): Promise<RecoveryKey | undefined> {
  const text = normalise(typed);
  if (text?.length !== keyLetters) return undefined;
  const bytes = decode(text);
  const secret = bytes.slice(0, randomBytes);
  if (bytes[randomBytes] !== (await checkByte(secret))) return undefined;
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits', 'deriveKey']);
  const authentication = await crypto.subtle.deriveBits(derived('authentication'), material, 256);
  const algorithm = { name: 'AES-GCM', length: 256 };
  const key = await crypto.subtle.deriveKey(derived('encryption'), material, algorithm, false, [
    'encrypt',
    'decrypt',
  ]);
  return {
    authentication: toBase64Url(new Uint8Array(authentication)),
    seal: async (plaintext) => {
      const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv },
        key,
        new TextEncoder().encode(plaintext),
      );
      return toBase64(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
    },
    open: async (sealed) => {
      const all = fromBase64(sealed);
      const iv = all.slice(0, ivBytes);
      try {
        const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, all.slice(ivBytes));
        return new TextDecoder().decode(opened);
      } catch (error) {
        if (error instanceof DOMException) return null;
        throw error;
      }
    },
  };
}

/** Finds a slip of the pen before the server is asked. */
async function checkByte(secret: Uint8Array<ArrayBuffer>): Promise<number> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', secret))[0] ?? 0;
}

const derived = (purpose: 'authentication' | 'encryption') => ({
  name: 'HKDF',
  hash: 'SHA-256',
  salt: new Uint8Array(),
  info: new TextEncoder().encode(`aparte recovery ${purpose} 1`),
});
