import * as z from 'zod';
import type { CommitInput } from './commit-statement';
import type { KnownRoster } from './rosters';

/**
 * The commit of one message that brings no keys: what `commit-statement.ts` would do with it, without what only a batch
 * needs, which is half of that statement's work for one message.
 *
 * Why it is right in READ COMMITTED: a row is updated only if it has the message's roster version both in the snapshot
 * from the statement's start and, after waiting for it, in its newest state. Every change of members, states and devices
 * raises it under the row's lock, and it only rises: members and devices in the snapshot are the newest too, and what an earlier commit has found at that version holds ($8 for the sender, $9
 * for who receives). Otherwise, and where the message is there already, nothing is done and no row answered: the
 * whole statement says what is the case. A duplicate that another node commits meanwhile violates the unique index.
 */
export const commitAloneText = `
with counted as (
  update conversations set last_seq = last_seq + 1
  where id = $1 and roster_version = $2::bigint
    and not exists (select from messages where sender_device_id = $4 and client_id = $5)
    and ($8::boolean or (
      exists (select from members where conversation_id = $1 and user_id = $3 and state = 'active')
      and exists (select from devices where id = $4 and user_id = $3 and revoked_at is null)
    ))
  returning last_seq
),
stored as (
  insert into messages (conversation_id, seq, sender_user_id, sender_device_id, client_id, ciphertext, at)
  select $1, last_seq, $3, $4, $5, $6, $7 from counted
  returning seq
)
select seq, case when not $9::boolean then (
  select json_agg(user_id) from members where conversation_id = $1 and state in ('active', 'requested')
) end as "userIds"
from stored`;

/** @param roster what is known of it at the message's version */
export const commitAloneValues = (
  { sender, message }: CommitInput,
  at: number,
  roster: KnownRoster | undefined,
): unknown[] => [
  message.conversationId,
  message.rosterVersion,
  sender.userId,
  sender.deviceId,
  message.clientId,
  message.ciphertext,
  at,
  roster?.senders.has(sender.deviceId) ?? false,
  roster !== undefined,
];

/** None; or the message's number, and who receives where that was not known. */
export const commitAloneAnswer = z
  .array(z.object({ seq: z.number(), userIds: z.array(z.string()).nullable() }))
  .max(1);
