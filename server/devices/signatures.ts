import { createPublicKey, verify } from 'node:crypto';
import type * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import type {
  crossSigningKey,
  Revocation,
  SignUpKeys,
  signedDeviceKeys,
  signedPreKey,
} from '../../lib/protocol/keys';

/** The name of a user inside signed objects, in the crypto library's notation. */
export const signedUserId = (userId: string) => `@${userId}:x`;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
type Signatures = z.infer<typeof signedPreKey>['signatures'];

/** The bytes that are signed: keys sorted, no spaces, without `signatures` and `unsigned` at the top. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${parts.join(',')}}`;
}

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const base64 = /^[A-Za-z0-9+/]+$/;

function decode(text: string, sizeBytes: number): Buffer | undefined {
  if (!base64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === sizeBytes ? bytes : undefined;
}

/** @throws bad_signature unless `signer` has signed the object under its own key's name */
function requireSignature(
  signed: { readonly [key: string]: Json | undefined },
  signatures: Signatures | undefined,
  user: string,
  keyId: string,
  publicKey: string,
): void {
  const own = signatures !== undefined && Object.hasOwn(signatures, user) ? signatures[user] : undefined;
  const text = own !== undefined && Object.hasOwn(own, keyId) ? own[keyId] : undefined;
  requireTextSignature(canonicalJson(signed), text, publicKey);
}

/** @throws bad_signature unless the key has signed the text */
function requireTextSignature(signed: string, text: string | undefined, publicKey: string): void {
  const signature = text === undefined ? undefined : decode(text, 64);
  const key = decode(publicKey, 32);
  if (signature === undefined || key === undefined) throw new AparteError('bad_signature');
  const spki = createPublicKey({
    key: Buffer.concat([ed25519Prefix, key]),
    format: 'der',
    type: 'spki',
  });
  if (!verify(null, Buffer.from(signed), spki, signature)) throw new AparteError('bad_signature');
}

/** That the account's master key says that a device is shut out. @throws bad_signature */
export function checkRevocation(
  userId: string,
  { deviceId, at, signature }: Revocation,
  masterKey: z.infer<typeof crossSigningKey>,
): void {
  const key = ownKey(masterKey, signedUserId(userId), 'master');
  requireTextSignature(`aparte revocation 1\n${userId}\n${deviceId}\n${at}`, signature, key);
}

export interface DeviceIdentity {
  identityKey: string;
  signingKey: string;
  /** The self-signing key's signature. */
  signature: string;
}

/**
 * Checks all that a first device uploads: that every object names this user and device, and every signature.
 * @throws bad_signature
 */
export function checkSignUpKeys(userId: string, deviceId: string, keys: SignUpKeys): DeviceIdentity {
  const user = signedUserId(userId);
  const master = ownKey(keys.masterKey, user, 'master');
  const selfSigning = ownKey(keys.selfSigningKey, user, 'self_signing');
  const userSigning = ownKey(keys.userSigningKey, user, 'user_signing');
  if (new Set([master, selfSigning, userSigning]).size !== 3) throw new AparteError('bad_signature');
  for (const { signatures, ...signed } of [keys.selfSigningKey, keys.userSigningKey])
    requireSignature(signed, signatures, user, `ed25519:${master}`, master);
  const identity = checkDeviceKeys(userId, deviceId, keys.deviceKeys, selfSigning);
  checkPreKeys(userId, deviceId, identity.signingKey, keys);
  return identity;
}

function ownKey(key: z.infer<typeof crossSigningKey>, user: string, usage: string): string {
  const entries = Object.entries(key.keys);
  const [name, value] = entries[0] ?? ['', ''];
  const fits =
    entries.length === 1 &&
    key.user_id === user &&
    key.usage.length === 1 &&
    key.usage[0] === usage &&
    name === `ed25519:${value}` &&
    decode(value, 32) !== undefined;
  if (!fits) throw new AparteError('bad_signature');
  return value;
}

/**
 * Checks what a linked device registers: all but the owner's signature, which it has not got yet.
 * @throws bad_signature
 */
export function checkNewDevice(
  userId: string,
  deviceId: string,
  keys: Pick<SignUpKeys, 'deviceKeys' | 'oneTimeKeys' | 'fallbackKeys'>,
): Omit<DeviceIdentity, 'signature'> {
  const identity = checkOwnSignature(userId, deviceId, keys.deviceKeys);
  checkPreKeys(userId, deviceId, identity.signingKey, keys);
  return identity;
}

/** Checks device keys that their owner has signed. @throws bad_signature */
export function checkSignedDevice(
  userId: string,
  deviceId: string,
  deviceKeys: z.infer<typeof signedDeviceKeys>,
  selfSigningKey: z.infer<typeof crossSigningKey>,
): DeviceIdentity {
  const selfSigning = ownKey(selfSigningKey, signedUserId(userId), 'self_signing');
  return checkDeviceKeys(userId, deviceId, deviceKeys, selfSigning);
}

function checkDeviceKeys(
  userId: string,
  deviceId: string,
  keys: z.infer<typeof signedDeviceKeys>,
  selfSigning: string,
): DeviceIdentity {
  const identity = checkOwnSignature(userId, deviceId, keys);
  const user = signedUserId(userId);
  const { signatures, ...signed } = keys;
  requireSignature(signed, signatures, user, `ed25519:${selfSigning}`, selfSigning);
  return { ...identity, signature: signatures[user]?.[`ed25519:${selfSigning}`] ?? '' };
}

function checkOwnSignature(
  userId: string,
  deviceId: string,
  keys: z.infer<typeof signedDeviceKeys>,
): Omit<DeviceIdentity, 'signature'> {
  const user = signedUserId(userId);
  if (keys.user_id !== user || keys.device_id !== deviceId) throw new AparteError('bad_signature');
  const signingKey = ownEntry(keys.keys, `ed25519:${deviceId}`);
  const identityKey = ownEntry(keys.keys, `curve25519:${deviceId}`);
  if (decode(signingKey, 32) === undefined || decode(identityKey, 32) === undefined)
    throw new AparteError('bad_signature');
  const { signatures, ...signed } = keys;
  requireSignature(signed, signatures, user, `ed25519:${deviceId}`, signingKey);
  return { identityKey, signingKey };
}

function ownEntry(keys: Record<string, string>, name: string): string {
  return Object.hasOwn(keys, name) ? (keys[name] ?? '') : '';
}

/**
 * One-time keys and the signed prekey must be signed by the device; the signed prekey must say that it is one.
 * @throws bad_signature
 */
export function checkPreKeys(
  userId: string,
  deviceId: string,
  signingKey: string,
  upload: Pick<SignUpKeys, 'oneTimeKeys' | 'fallbackKeys'>,
): void {
  const user = signedUserId(userId);
  const check = (preKey: z.infer<typeof signedPreKey>, isFallback: boolean) => {
    const { signatures, ...signed } = preKey;
    if ((signed.fallback ?? false) !== isFallback || decode(signed.key, 32) === undefined)
      throw new AparteError('bad_signature');
    requireSignature(signed, signatures, user, `ed25519:${deviceId}`, signingKey);
  };
  for (const preKey of Object.values(upload.oneTimeKeys)) check(preKey, false);
  for (const preKey of Object.values(upload.fallbackKeys)) check(preKey, true);
}
