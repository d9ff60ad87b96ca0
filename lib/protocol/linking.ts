import * as z from 'zod';
import { id } from './ids';
import { deviceType, oneTimeKeys, signedDeviceKeys, signedPreKeys } from './keys';
import { limits } from './limits';

/** 32 random bytes as base64url. */
export const secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
export const rendezvousId = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{8}$/);
const body = z.string().min(1).max(limits.rendezvousBodyMaxLength);

/** The device that shows a code opens the place where the two meet. `token` is its proof there, made by itself. */
export const openRendezvous = z.strictObject({
  rendezvousId,
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}$/),
  token: secret,
});
export const lookUpRendezvous = z.strictObject({ rendezvousId });
/** The device that has read a code comes with the first message. Only one can. */
export const joinRendezvous = z.strictObject({ rendezvousId, token: secret, body });
export const postRendezvous = z.strictObject({
  rendezvousId,
  token: secret,
  /** 1, 2, 3 … for each side. The same again changes nothing. */
  seq: z.int().min(1).max(limits.rendezvousMessages),
  body,
});
export const readRendezvous = z.strictObject({
  rendezvousId,
  token: secret,
  after: z.int().min(0).max(limits.rendezvousMessages),
});
export const leaveRendezvous = z.strictObject({ rendezvousId, token: secret });

/** What the other side has put there. `closed`: it has left, nothing more will come. */
export interface RendezvousNews {
  messages: { seq: number; body: string }[];
  closed: boolean;
}

/** A new device registers with the grant of an old one; until that has signed it, it counts for nothing. */
export const registerDevice = z.strictObject({
  grant: secret,
  deviceId: id,
  deviceName: z.string().trim().min(1).max(limits.deviceNameMaxLength),
  deviceType,
  idempotencyKey: secret,
  deviceKeys: signedDeviceKeys,
  oneTimeKeys,
  fallbackKeys: signedPreKeys,
});
export const pendingDevice = z.strictObject({ deviceId: id });
export const signDevice = z.strictObject({ deviceId: id, deviceKeys: signedDeviceKeys });
