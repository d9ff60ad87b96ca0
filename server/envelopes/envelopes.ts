import type { z } from 'zod';
import type { IncomingEnvelope, pullEnvelopes } from '../../lib/protocol/messages';
import type { Asker, Ground } from '../ground';

/**
 * The envelopes that wait for this device, oldest first. Ids of one sender device rise in the order of sending;
 * across senders an envelope may appear below a higher id that was pulled before, so a device pulls from 0 after
 * it has acked, not from the highest id it ever saw.
 */
export async function pull(
  { db }: Ground,
  asker: Asker,
  { after, limit }: z.infer<typeof pullEnvelopes>,
): Promise<{ envelopes: IncomingEnvelope[] }> {
  const rows = await db
    .selectFrom('envelopes')
    .select(['id', 'sender_user_id', 'sender_device_id', 'type', 'content'])
    .where('recipient_device_id', '=', asker.deviceId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return {
    envelopes: rows.map((row) => ({
      id: row.id,
      senderUserId: row.sender_user_id,
      senderDeviceId: row.sender_device_id,
      type: row.type,
      content: row.content,
    })),
  };
}

/** Deletes what the device has stored. Ids that are not its own, or gone, are passed over. */
export async function ack({ db }: Ground, asker: Asker, ids: readonly number[]): Promise<void> {
  await db
    .deleteFrom('envelopes')
    .where('recipient_device_id', '=', asker.deviceId)
    .where('id', 'in', [...ids])
    .execute();
}
