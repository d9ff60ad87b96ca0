import type { OlmMachine } from '@matrix-org/matrix-sdk-crypto-wasm';
import { isSignedBy } from './ed25519';
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

/** Whether the owner of this master key has said so. */
export const isSaidBy = (masterKey: string, { signature, ...said }: Revocation): Promise<boolean> =>
  isSignedBy(masterKey, signature, statement(said));
