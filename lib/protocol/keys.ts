import * as z from 'zod';
import { id } from './ids';
import { limits } from './limits';

const key = z.string().max(100);
const signatures = z.record(z.string().max(100), z.record(z.string().max(100), z.string().max(200)));

/** A device's identityKey (curve25519 and ed25519), signed by itself and by its owner's self-signing key. */
export const signedDeviceKeys = z.strictObject({
  user_id: z.string().max(100),
  device_id: id,
  algorithms: z.array(z.string().max(100)).max(10),
  keys: z.record(z.string().max(100), key),
  signatures,
});

/** One of the owner's signing keys: master, self-signing or user-signing. */
export const crossSigningKey = z.strictObject({
  user_id: z.string().max(100),
  usage: z.array(z.string().max(40)).max(4),
  keys: z.record(z.string().max(100), key),
  signatures: signatures.optional(),
});

/** A one-time prekey, or with `fallback: true` the signed prekey that always remains. */
export const signedPreKey = z.strictObject({
  key,
  signatures,
  fallback: z.boolean().optional(),
});

const preKeyId = z.string().regex(/^signed_curve25519:[A-Za-z0-9+/]{1,20}$/);
export const oneTimeKeys = z
  .record(preKeyId, signedPreKey)
  .refine((keys) => Object.keys(keys).length <= limits.oneTimeKeysPerUpload);
export const signedPreKeys = z.record(preKeyId, signedPreKey).refine((keys) => Object.keys(keys).length <= 1);

export const deviceType = z.enum(['WEB', 'MOBILE', 'DESKTOP']);
export type DeviceType = z.infer<typeof deviceType>;

/** All that the first device of an account uploads, checked and stored as one. */
export const signUpKeys = z.strictObject({
  deviceKeys: signedDeviceKeys,
  oneTimeKeys,
  fallbackKeys: signedPreKeys,
  masterKey: crossSigningKey,
  selfSigningKey: crossSigningKey,
  userSigningKey: crossSigningKey,
});
export type SignUpKeys = z.infer<typeof signUpKeys>;

/** A device that its owner has shut out: said with the account's master key, so that a server cannot take it back. */
export const revocation = z.strictObject({
  deviceId: id,
  /** Server time, ms. */
  at: z.int().min(0),
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}$/),
});
export type Revocation = z.infer<typeof revocation>;

export const keyUpload = z.strictObject({ oneTimeKeys, fallbackKeys: signedPreKeys });

/** What is told about a user to those who share a conversation with them. */
export interface UserKeys {
  userId: string;
  devicesVersion: number;
  masterKey: z.infer<typeof crossSigningKey>;
  selfSigningKey: z.infer<typeof crossSigningKey>;
  /** Told to the user's own devices only. */
  userSigningKey: z.infer<typeof crossSigningKey> | null;
  devices: { deviceId: string; deviceKeys: z.infer<typeof signedDeviceKeys> }[];
  /** Devices that the user has shut out, newest first. */
  revocations: Revocation[];
}

/** The prekey bundle of one device: a one-time key, or when none is left the signed prekey. */
export interface PreKeyBundle {
  userId: string;
  deviceId: string;
  keyId: string;
  key: z.infer<typeof signedPreKey>;
}
