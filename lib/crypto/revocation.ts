import type { OlmMachine } from '@matrix-org/matrix-sdk-crypto-wasm';
import { parseTextSignatures } from './json';
import { matrixUser } from './names';
import type { Revocation } from './types';

/**
 * What is signed when a device is shut out: plain text with a first line of its own, which no signed JSON object
 * (keys, devices) can be taken for.
 */
const statement = ({ userId, deviceId, at }: Omit<Revocation, 'signature'>): string =>
  `aparte revocation 1\n${userId}\n${deviceId}\n${at}`;

/** @throws when this device does not hold the account's master key */
export async function signRevocation(
  olm: OlmMachine,
  masterKey: string,
  said: Omit<Revocation, 'signature'>,
): Promise<Revocation> {
  const made = await olm.sign(statement(said));
  const signature = parseTextSignatures(made.asJSON())[matrixUser(said.userId)]?.[`ed25519:${masterKey}`];
  made.free();
  if (signature === undefined) throw new Error('this device cannot sign for the account');
  return { ...said, signature };
}

/** Whether the owner of this master key (Ed25519, RFC 8032) has said so. */
export async function isSaidBy(masterKey: string, { signature, ...said }: Revocation): Promise<boolean> {
  const key = fromBase64(masterKey);
  const proof = fromBase64(signature);
  if (key?.length !== 32 || proof?.length !== 64) return false;
  const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', imported, proof, new TextEncoder().encode(statement(said)));
}

/** The library writes base64 without its padding. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    // Not base64, so no key and no signature: the caller says that it is not valid.
    return undefined;
  }
}
