import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto';
import type * as z from 'zod';
import type { signUp } from '../lib/protocol/accounts';
import type { keyUpload, Revocation, signedDeviceKeys } from '../lib/protocol/keys';
import type { registerDevice } from '../lib/protocol/linking';
import { canonicalJson, signedUserId } from '../server/devices/signatures';

interface Pair {
  publicKey: string;
  privateKey: KeyObject;
}

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

function pair(): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: unpadded(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)), privateKey };
}

const textSignature = (text: string, by: Pair) => unpadded(sign(null, Buffer.from(text), by.privateKey));
const signature = (value: Parameters<typeof canonicalJson>[0], by: Pair) =>
  textSignature(canonicalJson(value), by);

/** What a first device would upload, made without the crypto library: valid for the server, of no other use. */
export interface KeyMaterial {
  request: z.infer<typeof signUp>;
  /** Further keys signed by the same device. */
  preKeys(oneTimeKeys: number, fallback: boolean): z.infer<typeof keyUpload>;
  /** That a device of the owner is shut out. */
  revocation(deviceId: string, at: number): Revocation;
  /** What a further device of the same owner registers, and its keys with the owner's signature. */
  linked(): {
    request: Omit<z.infer<typeof registerDevice>, 'grant'>;
    signed: z.infer<typeof signedDeviceKeys>;
  };
}

export const newSecret = () => randomBytes(32).toString('base64url');

let handles = 0;

export function keyMaterial(given: { handle?: string; oneTimeKeys?: number } = {}): KeyMaterial {
  const userId = randomUUID();
  const deviceId = randomUUID();
  const user = signedUserId(userId);
  const [device, master, selfSigning, userSigning] = [pair(), pair(), pair(), pair()];
  const deviceKeys = {
    user_id: user,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2'],
    keys: {
      [`ed25519:${deviceId}`]: device.publicKey,
      [`curve25519:${deviceId}`]: unpadded(randomBytes(32)),
    },
  };
  const ownerKey = (usage: string, key: Pair) => ({
    user_id: user,
    usage: [usage],
    keys: { [`ed25519:${key.publicKey}`]: key.publicKey },
  });
  const byMaster = (key: ReturnType<typeof ownerKey>) => ({
    ...key,
    signatures: { [user]: { [`ed25519:${master.publicKey}`]: signature(key, master) } },
  });
  const byDevice = <T extends { key: string; fallback?: boolean }>(key: T) => ({
    ...key,
    signatures: { [user]: { [`ed25519:${deviceId}`]: signature({ ...key }, device) } },
  });
  const keyId = () => `signed_curve25519:${randomBytes(6).toString('base64')}`;
  const preKeys = (oneTimeKeys: number, fallback: boolean) => ({
    oneTimeKeys: Object.fromEntries(
      Array.from({ length: oneTimeKeys }, () => [keyId(), byDevice({ key: unpadded(randomBytes(32)) })]),
    ),
    fallbackKeys: fallback ? { [keyId()]: byDevice({ key: unpadded(randomBytes(32)), fallback: true }) } : {},
  });
  const masterKey = ownerKey('master', master);
  const linked = () => {
    const own = pair();
    const id = randomUUID();
    const keys = {
      user_id: user,
      device_id: id,
      algorithms: ['m.olm.v1.curve25519-aes-sha2'],
      keys: { [`ed25519:${id}`]: own.publicKey, [`curve25519:${id}`]: unpadded(randomBytes(32)) },
    };
    const made = { [`ed25519:${id}`]: signature(keys, own) };
    const fallback = { key: unpadded(randomBytes(32)), fallback: true };
    const bySelfSigning = { [`ed25519:${selfSigning.publicKey}`]: signature(keys, selfSigning) };
    return {
      request: {
        deviceId: id,
        deviceName: 'Phone',
        deviceType: 'MOBILE' as const,
        idempotencyKey: newSecret(),
        deviceKeys: { ...keys, signatures: { [user]: made } },
        oneTimeKeys: {},
        fallbackKeys: {
          [keyId()]: {
            ...fallback,
            signatures: { [user]: { [`ed25519:${id}`]: signature(fallback, own) } },
          },
        },
      },
      signed: { ...keys, signatures: { [user]: { ...made, ...bySelfSigning } } },
    };
  };
  const revocation = (revokedId: string, at: number) => ({
    deviceId: revokedId,
    at,
    signature: textSignature(`aparte revocation 1\n${userId}\n${revokedId}\n${at}`, master),
  });
  return {
    preKeys,
    linked,
    revocation,
    request: {
      handle: given.handle ?? `user${++handles}.${userId.slice(0, 8)}`,
      userId,
      deviceId,
      deviceName: 'Test',
      deviceType: 'DESKTOP',
      idempotencyKey: randomBytes(32).toString('base64url'),
      keys: {
        ...preKeys(given.oneTimeKeys ?? 5, true),
        masterKey,
        selfSigningKey: byMaster(ownerKey('self_signing', selfSigning)),
        userSigningKey: byMaster(ownerKey('user_signing', userSigning)),
        deviceKeys: {
          ...deviceKeys,
          signatures: {
            [user]: {
              [`ed25519:${deviceId}`]: signature(deviceKeys, device),
              [`ed25519:${selfSigning.publicKey}`]: signature(deviceKeys, selfSigning),
            },
          },
        },
      },
    },
  };
}
