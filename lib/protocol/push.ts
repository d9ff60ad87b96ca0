import * as z from 'zod';
import { limits } from './limits';

/** Where a browser wants to be woken: what its `PushSubscription` says, keys as base64url. */
export const pushSubscription = z.strictObject({
  endpoint: z.url().max(limits.pushEndpointMaxLength),
  /** An uncompressed point on P-256, 65 bytes. */
  p256dh: z.string().regex(/^B[A-Za-z0-9_-]{86}$/),
  /** 16 bytes. */
  auth: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
});
export type PushSubscriptionKeys = z.infer<typeof pushSubscription>;

/**
 * All that a push says: there is something to fetch. Always the same, so that neither its length nor its text tells
 * the push service anything.
 */
export const pushPayload = '{"v":1}';
