import * as z from 'zod';
import { id } from '../protocol/ids';
import { type PushSubscriptionKeys, pushSubscription } from '../protocol/push';

// What browsers hand back is checked here, apart from the rest: the first screen loads without the checking.

/** What a notification knows of itself. */
export const alertData = z.union([
  z.object({ conversationId: id, seq: z.int().min(0) }),
  z.object({ deviceId: id }),
]);

/** What the server needs of a browser's subscription; `null` when the browser has another kind. */
export function keysOf(subscription: PushSubscription): PushSubscriptionKeys | null {
  const { endpoint, keys } = subscription.toJSON();
  const parsed = pushSubscription.safeParse({ endpoint, p256dh: keys?.p256dh, auth: keys?.auth });
  return parsed.success ? parsed.data : null;
}
