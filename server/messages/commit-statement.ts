import * as z from 'zod';
import type { SendMessage } from '../../lib/protocol/messages';
import { textArray } from '../db/text-array';
import type { Asker } from '../ground';

export interface CommitInput {
  readonly sender: Asker;
  readonly message: SendMessage;
}

/**
 * A whole batch in one statement and one fsync.
 *
 * Why it is right with several nodes on one database, in READ COMMITTED:
 * - `locked` waits for each conversation's row, in the order of ids that the caller gives, and then sees its newest version; everything else is
 *   read in the snapshot from the statement's start, which may be older. Every change of members, states and
 *   devices raises `roster_version` under the same lock, so if the version in the snapshot (`seen`) is the locked
 *   one, then members and devices in the snapshot are the newest too; if not, the answer is `stale`.
 * - Numbers continue from the locked row's `last_seq`, never from the snapshot's.
 * - A duplicate that another node commits while we wait is not in the snapshot: the insert then violates the
 *   unique index, the whole statement is undone, and the items are run again one by one.
 * - What an earlier commit has found of a conversation's roster is taken for true (`is_sure`) if the locked version is
 *   the one at which it was found, and is the message's own: then nothing else is read of members and devices.
 *
 * What belongs to the whole batch is looked up in arrays and answered once, by places that the caller has counted:
 * joined to it, it would cost the square of the batch's size, since the planner takes an array for ten rows. What is
 * read for one message is written so that its table is read by key, and only if it is wanted (`offset 0` keeps the
 * condition in its own query): a plan is kept, and a table that was small when it was made may have grown.
 * `width_bucket` finds a place in a sorted array by halves.
 *
 * Each sender device's client ids, and its marks per conversation, must be unique within the batch.
 */
export const commitText = `
with locked as materialized (
  select array_agg(l.roster_version order by l.place) as versions, array_agg(l.last_seq order by l.place) as seqs
  from (
    select u.place, c.roster_version, c.last_seq
    from unnest($13::uuid[]) with ordinality as u(id, place)
    left join lateral (select roster_version, last_seq from conversations where id = u.id for update) c on true
  ) l
),
input as (
  select i.*, (select versions from locked)[place] as current_version, (select seqs from locked)[place] as last_seq
  from unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::bigint[], $7::text[], $14::integer[], $15::boolean[]
  ) with ordinality as i(
    conversation_id, user_id, device_id, client_id, is_mark, roster_version, ciphertext, place, is_known, ord
  )
),
found as (
  select i.*, coalesce(is_known and roster_version = current_version, false) as is_sure from input i
),
judged as (
  select i.*,
    coalesce(earlier.seq, 0) as earlier_seq, coalesce(earlier.at, mark.at) as earlier_at,
    case
      when not i.is_sure and device.id is null then 'device_revoked'
      when earlier.conversation_id <> i.conversation_id then 'conflict'
      when earlier.seq is not null or mark.at is not null then 'duplicate'
      when i.is_sure then 'sent'
      when member.state is null then 'not_found'
      when seen.roster_version <> i.current_version then 'stale'
      when member.state <> 'active' then 'forbidden'
      when i.roster_version <> i.current_version then 'stale'
      else 'sent'
    end as status
  from found i
  left join lateral (
    select roster_version from conversations where not i.is_sure and id = i.conversation_id offset 0
  ) seen on true
  left join lateral (
    select state from members
    where not i.is_sure and conversation_id = i.conversation_id and user_id = i.user_id offset 0
  ) member on true
  left join lateral (
    select id from devices
    where not i.is_sure and id = i.device_id and user_id = i.user_id and revoked_at is null offset 0
  ) device on true
  left join lateral (
    select conversation_id, seq, at from messages
    where not i.is_mark and sender_device_id = i.device_id and client_id = i.client_id offset 0
  ) earlier on true
  left join lateral (
    select at from marks
    where i.is_mark and conversation_id = i.conversation_id and sender_device_id = i.device_id
      and client_id = i.client_id offset 0
  ) mark on true
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
  select array_agg(conversation_id order by conversation_id) as ids,
    array_agg(seq order by conversation_id) as numbers
  from (select conversation_id, max(seq) as seq from verdict where is_new group by conversation_id) n
),
counted as (
  update conversations c
  set last_seq = (select numbers from numbered)[width_bucket(c.id, (select ids from numbered))]
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
select
  (
    select json_agg(json_build_array(
      v.status, v.current_version, case when v.is_new then v.seq else v.earlier_seq end,
      coalesce(v.earlier_at, $8::double precision),
      case when v.is_first and not v.is_sure then array(
        select m.user_id from members m
        where m.conversation_id = v.conversation_id and m.state in ('active', 'requested')
      ) end
    ) order by v.ord) from verdict v
  ) as rows,
  (select json_agg(json_build_array(w.ord, w.id) order by w.ord) from wrapped w) as envelopes`;

const status = z.enum(['sent', 'duplicate', 'stale', 'forbidden', 'not_found', 'conflict', 'device_revoked']);

/** One row for all: a row of its own for each message costs this process more than it costs the database to put together. */
export const commitAnswer = z.tuple([
  z.object({
    rows: z.array(
      z.tuple([
        status,
        /** The roster's version; `null`: there is no such conversation. */
        z.number().nullable(),
        /** The message's number. */
        z.number(),
        /** When it was stored, ms. */
        z.number(),
        /** Who receives: with the first of each conversation only, and not where that is known. */
        z.array(z.string()).nullable(),
      ]),
    ),
    /** Stored envelopes: their place (from 1) among all of the batch, and their id. */
    envelopes: z.array(z.tuple([z.number(), z.number()])).nullable(),
  }),
]);
export type CommitStatus = z.infer<typeof status>;

/** An array as Postgres reads it, of what needs no quotes: ids, numbers, truth. */
const plain = <T>(items: readonly T[], value: (item: T) => string | number | boolean) =>
  `{${items.map(value).join(',')}}`;

/**
 * The statement's parameters: one array per column. `at` in ms.
 * @param isKnown for each message, whether its sender may send at its roster version, as an earlier commit has found
 */
export function commitValues(
  batch: readonly CommitInput[],
  at: number,
  isKnown: readonly boolean[],
): unknown[] {
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
  // In order: two nodes that lock several rows never wait for each other in a circle.
  const conversationIds = [...new Set(batch.map(({ message }) => message.conversationId))].sort();
  const places = new Map(conversationIds.map((conversationId, index) => [conversationId, index + 1]));
  return [
    plain(batch, ({ message }) => message.conversationId),
    plain(batch, ({ sender }) => sender.userId),
    plain(batch, ({ sender }) => sender.deviceId),
    plain(batch, ({ message }) => message.clientId),
    plain(batch, ({ message }) => message.slot === 'mark'),
    plain(batch, ({ message }) => message.rosterVersion),
    textArray(batch.map(({ message }) => message.ciphertext)),
    at,
    plain(of, (place) => place),
    plain(recipients, (id) => id),
    textArray(types),
    textArray(contents),
    plain(conversationIds, (id) => id),
    plain(batch, ({ message }) => places.get(message.conversationId) ?? 0),
    plain(isKnown, (known) => known),
  ];
}
