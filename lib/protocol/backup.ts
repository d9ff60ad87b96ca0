import { z } from 'zod';
import { id } from './ids';
import { limits } from './limits';

/** One page of the key backup: sender keys, encrypted under a key that only the account's devices have. */
export const storeBackup = z.strictObject({
  clientId: id,
  page: z
    .string()
    .regex(/^[A-Za-z0-9+/=]+$/)
    .max(limits.backupPageMaxLength),
});
export const pullBackup = z.strictObject({ after: z.int().min(0) });

export interface BackupPage {
  seq: number;
  page: string;
}
