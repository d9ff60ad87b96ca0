import * as z from 'zod';
import type { ConversationSummary } from './conversations';
import { handle, id } from './ids';
import { deviceType, signUpKeys } from './keys';
import { limits } from './limits';
import type { Mark } from './messages';

export const signUp = z.strictObject({
  handle,
  userId: id,
  deviceId: id,
  deviceName: z.string().trim().min(1).max(limits.deviceNameMaxLength),
  deviceType,
  /** 32 random bytes as base64url. The same request again, after a lost answer, gets a new token and changes nothing else. */
  idempotencyKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  keys: signUpKeys,
});

export interface Account {
  userId: string;
  handle: string;
  deviceId: string;
}

export interface Device {
  deviceId: string;
  name: string;
  type: z.infer<typeof deviceType>;
  createdAt: number;
  lastSeenAt: number;
  /** The device that linked it; null for the first. */
  linkedBy: string | null;
  current: boolean;
}

/** All that a device needs to know after an absence, in one answer. */
export interface SyncState {
  conversations: ConversationSummary[];
  oneTimeKeyCount: number;
  hasUnusedFallbackKey: boolean;
  devicesVersion: number;
  /** Marks of others that changed since the time asked for. */
  marks: Mark[];
  at: number;
}
export const syncState = z.strictObject({ marksSince: z.int().min(0) });
