import * as z from 'zod';
import type { SendMessage } from '../../lib/protocol/messages';
import type { Asker } from '../ground';

export interface CommitInput {
  readonly sender: Asker;
  readonly message: SendMessage;
}

/**
 * A whole batch in one statement and one fsync.
 *
 * Why it is right with several nodes on one database, in READ COMMITTED:
 * - `locked` waits for each conversation's row, in id order, and then sees its newest version; everything else is
 *   read in the snapshot from the statement's start, which may be older. Every change of members, states and
 *   devices raises `roster_version` under the same lock, so if the version in the snapshot (`seen`) is the locked
 *   one, then members and devices in the snapshot are the newest too; if not, the answer is `stale`.
 * - Numbers continue from the locked row's `last_seq`, never from the snapshot's.
 * - A duplicate that another node commits while we wait is not in the snapshot: the insert then violates the
 *   unique index, the whole statement is undone, and the items are run again one by one.
 *
 * What belongs to the whole batch is looked up in arrays and answered once: joined to it, it would cost the square of
 * the batch's size, since the planner takes an array for ten rows. What could be joined from either side is written so
 * that its table is read by key: a plan is kept, and a table that was small when it was made may have grown.
 *
 * Each sender device's client ids, and its marks per conversation, must be unique within the batch.
 */
export const commitText = `
with locked as materialized (
  select id, roster_version, last_seq from conversations
  where id = any($1::uuid[]) order by id for update
),
locked_arrays as materialized (
  select array_agg(id) as ids, array_agg(roster_version) as versions, array_agg(last_seq) as seqs from locked
),
input as (
  select i.*, array_position((select ids from locked_arrays), i.conversation_id) as place
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::bigint[], $7::text[])
    with ordinality as i(conversation_id, user_id, device_id, client_id, is_mark, roster_version, ciphertext, ord)
),
found as (
  select i.*, (select versions from locked_arrays)[place] as current_version,
    (select seqs from locked_arrays)[place] as last_seq
  from input i
),
judged as (
  select i.*,
    coalesce(earlier.seq, 0) as earlier_seq, coalesce(earlier.at, mark.at) as earlier_at,
    case
      when device.id is null then 'device_revoked'
      when earlier.conversation_id <> i.conversation_id then 'conflict'
      when earlier.seq is not null or mark.at is not null then 'duplicate'
      when member.state is null then 'not_found'
      when seen.roster_version <> i.current_version then 'stale'
      when member.state <> 'active' then 'forbidden'
      when i.roster_version <> i.current_version then 'stale'
      else 'sent'
    end as status
  from found i
  left join conversations seen on seen.id = i.conversation_id
  left join members member on member.conversation_id = i.conversation_id and member.user_id = i.user_id
  left join devices device
    on device.id = i.device_id and device.user_id = i.user_id and device.revoked_at is null
  left join messages earlier
    on not i.is_mark and earlier.sender_device_id = i.device_id and earlier.client_id = i.client_id
  left join marks mark
    on i.is_mark and mark.conversation_id = i.conversation_id and mark.sender_device_id = i.device_id
      and mark.client_id = i.client_id
),
verdict as materialized (
  select j.*,
    status = 'sent' and not is_mark as is_new,
    (last_seq + count(*) filter (where status = 'sent' and not is_mark) over w)::integer as seq,
    status = 'sent' and count(*) filter (where status = 'sent') over w = 1 as is_first
  from judged j
  window w as (partition by conversation_id order by ord rows unbounded preceding)
),
numbered as materialized (
  select array_agg(conversation_id) as ids, array_agg(seq) as numbers
  from (select conversation_id, max(seq) as seq from verdict where is_new group by conversation_id) n
),
counted as (
  update conversations c set last_seq = (select numbers from numbered)[array_position((select ids from numbered), c.id)]
  where c.id = any((select ids from numbered)::uuid[])
),
stored as (
  insert into messages (conversation_id, seq, sender_user_id, sender_device_id, client_id, ciphertext, at)
  select conversation_id, seq, user_id, device_id, client_id, ciphertext, $8::double precision
  from verdict where is_new
),
marked as (
  insert into marks (conversation_id, sender_device_id, sender_user_id, client_id, ciphertext, at)
  select conversation_id, device_id, user_id, client_id, ciphertext, $8::double precision
  from verdict where status = 'sent' and is_mark
  on conflict (conversation_id, sender_device_id)
  do update set client_id = excluded.client_id, ciphertext = excluded.ciphertext, at = excluded.at
),
accepted as materialized (
  select array_agg(status = 'sent' order by ord) as flags from verdict
),
wrapped as materialized (
  select nextval('envelope_ids') as id, sorted.* from (
    select e.ord, e.of, e.recipient_device_id, e.type, e.content
    from unnest($9::integer[], $10::uuid[], $11::text[], $12::text[])
      with ordinality as e(of, recipient_device_id, type, content, ord)
    cross join lateral (
      select user_id from devices where id = e.recipient_device_id and revoked_at is null limit 1
    ) d
    cross join lateral (
      select from members where conversation_id = ($1::uuid[])[e.of] and user_id = d.user_id
        and state in ('active', 'requested') limit 1
    ) m
    where (select flags from accepted)[e.of]
    order by e.ord
  ) sorted
),
sealed as (
  insert into envelopes (id, recipient_device_id, sender_user_id, sender_device_id, type, content, conversation_id)
  select id, recipient_device_id, ($2::uuid[])[of], ($3::uuid[])[of], type, content, ($1::uuid[])[of]
  from wrapped order by id
)
select v.status, v.current_version as "rosterVersion",
  case when v.is_new then v.seq else v.earlier_seq end as seq,
  coalesce(v.earlier_at, $8::double precision) as at,
  case when v.is_first then array(
    select m.user_id::text from members m
    where m.conversation_id = v.conversation_id and m.state in ('active', 'requested')
  ) end as "userIds",
  case when v.ord = 1 then array(
    select w.ord::double precision from wrapped w order by w.ord
  ) end as "envelopeOrds",
  case when v.ord = 1 then array(
    select w.id::double precision from wrapped w order by w.ord
  ) end as "envelopeIds"
from verdict v
order by v.ord`;

const status = z.enum(['sent', 'duplicate', 'stale', 'forbidden', 'not_found', 'conflict', 'device_revoked']);

const commitRow = z.object({
  status,
  rosterVersion: z.number().nullable(),
  seq: z.number(),
  at: z.number(),
  /** Who receives: with the first row of each conversation only. */
  userIds: z.array(z.string()).nullable(),
  /** Stored envelopes by their place (from 1) among all of the batch, and their ids: with the first row only. */
  envelopeOrds: z.array(z.number()).nullable(),
  envelopeIds: z.array(z.number()).nullable(),
});
export const commitRows = z.array(commitRow);
export type CommitRow = z.infer<typeof commitRow>;

/** The statement's parameters: one array per column. `at` in ms. */
export function commitValues(batch: readonly CommitInput[], at: number): unknown[] {
  const of: number[] = [];
  const recipients: string[] = [];
  const types: string[] = [];
  const contents: string[] = [];
  batch.forEach(({ message }, index) => {
    for (const envelope of message.envelopes) {
      of.push(index + 1);
      recipients.push(envelope.recipientDeviceId);
      types.push(envelope.type);
      contents.push(envelope.content);
    }
  });
  return [
    batch.map(({ message }) => message.conversationId),
    batch.map(({ sender }) => sender.userId),
    batch.map(({ sender }) => sender.deviceId),
    batch.map(({ message }) => message.clientId),
    batch.map(({ message }) => message.slot === 'mark'),
    batch.map(({ message }) => message.rosterVersion),
    batch.map(({ message }) => message.ciphertext),
    at,
    of,
    recipients,
    types,
    contents,
  ];
}
