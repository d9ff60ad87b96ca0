import * as z from 'zod';
import { handle, id } from './ids';
import { type crossSigningKey, deviceType, oneTimeKeys, signedDeviceKeys, signedPreKeys } from './keys';
import { limits } from './limits';
import { secret } from './linking';

const base64 = (maxLength: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9+/=]+$/)
    .max(maxLength);

/** One page of the key backup: sender keys, encrypted under a key that only the account's devices have. */
export const storeBackup = z.strictObject({ clientId: id, page: base64(limits.backupPageMaxLength) });
/** What the account knows beside its messages, encrypted likewise. Replaces what was there. */
export const storeAccountState = z.strictObject({ page: base64(limits.backupPageMaxLength) });
export const pullBackup = z.strictObject({ after: z.int().min(0) });

/** Both derived from the recovery key: the one tells the server that it is the right one, the other encrypts. */
export const storeRecovery = z.strictObject({
  authentication: secret,
  bundle: base64(limits.recoveryBundleMaxLength),
});
export const openRecovery = z.strictObject({ handle, authentication: secret });
/** A device that comes by recovery has the account's keys, and so has signed itself. */
export const recoverDevice = z.strictObject({
  handle,
  authentication: secret,
  deviceId: id,
  deviceName: z.string().trim().min(1).max(limits.deviceNameMaxLength),
  deviceType,
  idempotencyKey: secret,
  deviceKeys: signedDeviceKeys,
  oneTimeKeys,
  fallbackKeys: signedPreKeys,
});

export interface Recovery {
  userId: string;
  bundle: string;
  masterKey: z.infer<typeof crossSigningKey>;
  selfSigningKey: z.infer<typeof crossSigningKey>;
  userSigningKey: z.infer<typeof crossSigningKey>;
}

export interface BackupPage {
  seq: number;
  page: string;
}
