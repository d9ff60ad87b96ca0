import type { SyncState } from '../../lib/protocol/accounts';
import { AparteError } from '../../lib/protocol/errors';
import { summaries } from '../conversations/read';
import { countOneTimeKeys } from '../devices/pre-keys';
import type { Asker, Ground } from '../ground';

/** A mark's time is taken before its commit, on a node with its own clock: look back this far for late ones. */
const marksOverlapMs = 30_000;

/** All that a device compares with its own state on connecting. Marks may be repeated. */
export async function state(ground: Ground, asker: Asker, marksSince: number): Promise<SyncState> {
  const { db } = ground;
  const at = ground.now();
  const device = await db
    .selectFrom('devices as d')
    .innerJoin('users as u', 'u.id', 'd.user_id')
    .select(['u.devices_version', 'd.signed_pre_key_id', 'd.signed_pre_key_used'])
    .where('d.id', '=', asker.deviceId)
    .where('d.revoked_at', 'is', null)
    .executeTakeFirst();
  if (device === undefined) throw new AparteError('device_revoked');
  const marks = await db
    .selectFrom('marks as k')
    .innerJoin('members as m', 'm.conversation_id', 'k.conversation_id')
    .select([
      'k.conversation_id as conversationId',
      'k.client_id as clientId',
      'k.sender_user_id as senderUserId',
      'k.sender_device_id as senderDeviceId',
      'k.ciphertext',
      'k.at',
    ])
    .where('m.user_id', '=', asker.userId)
    .where('m.state', 'in', ['active', 'requested'])
    .where('k.sender_device_id', '<>', asker.deviceId)
    .where('k.at', '>=', marksSince - marksOverlapMs)
    .execute();
  return {
    conversations: await summaries(db, asker.userId),
    oneTimeKeyCount: await countOneTimeKeys(db, asker.deviceId),
    hasUnusedFallbackKey: device.signed_pre_key_id !== null && !device.signed_pre_key_used,
    devicesVersion: device.devices_version,
    marks,
    at,
  };
}
