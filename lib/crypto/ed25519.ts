import { fromBase64 } from '../protocol/base64';

/**
 * Whether a key has signed a text (Ed25519, RFC 8032).
 * @param publicKey and `signature`: base64, as the library writes it, without padding
 */
export async function isSignedBy(publicKey: string, signature: string, text: string): Promise<boolean> {
  const key = bytesOf(publicKey);
  const proof = bytesOf(signature);
  if (key?.length !== 32 || proof?.length !== 64) return false;
  const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', imported, proof, new TextEncoder().encode(text));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(text);
  } catch {
    // Not base64, so no key and no signature: the caller says that it is not valid.
    return undefined;
  }
}
