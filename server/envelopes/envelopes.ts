import { sql } from 'kysely';
import * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import type { IncomingEnvelope, NoteResult, pullEnvelopes, SendNote } from '../../lib/protocol/messages';
import type { Asker, Ground } from '../ground';
import { withinBytes } from '../page-bytes';

/**
 * The envelopes that wait for this device, oldest first, and whether more do than the page holds. Ids of one sender device rise in the order of sending;
 * across senders an envelope may appear below a higher id that was pulled before, so a device pulls from 0 after
 * it has acked, not from the highest id it ever saw.
 */
export async function pull(
  { db }: Ground,
  asker: Asker,
  { after, limit }: z.infer<typeof pullEnvelopes>,
): Promise<{ envelopes: IncomingEnvelope[]; more: boolean }> {
  const rows = await db
    .selectFrom('envelopes')
    .select(['id', 'sender_user_id', 'sender_device_id', 'conversation_id', 'type', 'content'])
    .where('recipient_device_id', '=', asker.deviceId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  const page = withinBytes(rows.slice(0, limit), (row) => row.content);
  return {
    more: page.length < rows.length,
    envelopes: page.map((row) => ({
      id: row.id,
      senderUserId: row.sender_user_id,
      senderDeviceId: row.sender_device_id,
      conversationId: row.conversation_id,
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

/** By whom, and for which devices of which list, the last note was stored that came over this connection. */
const lastStored = new WeakMap<Asker, { devicesVersion: number; deviceIds: ReadonlySet<string> }>();

/**
 * Stores a note that came over a connection, and passes it on before: somebody may be looking at a badge on the other
 * device, and a commit takes its time. A hint like every frame. Only what goes where the last one was allowed to go, by
 * the same list of devices, is passed on so; what is to be refused, in all likelihood, is not.
 */
export async function tell(ground: Ground, asker: Asker, sent: SendNote): Promise<NoteResult> {
  const { userId, deviceId } = asker;
  const { devicesVersion, envelopes } = sent;
  const deviceIds = new Set(envelopes.map(({ recipientDeviceId }) => recipientDeviceId));
  const known = lastStored.get(asker);
  const isKnown =
    known?.devicesVersion === devicesVersion &&
    deviceIds.size === envelopes.length &&
    [...deviceIds].every((one) => known.deviceIds.has(one));
  for (const { recipientDeviceId, type, content } of isKnown ? envelopes : [])
    ground.notices.readSync({
      userId,
      deviceId: recipientDeviceId,
      envelope: { senderUserId: userId, senderDeviceId: deviceId, conversationId: null, type, content },
    });
  const result = await note(ground, asker, sent);
  if (result.status === 'stale') lastStored.delete(asker);
  else lastStored.set(asker, { devicesVersion, deviceIds });
  return result;
}

/** What was stored, or one row with the version alone. */
const stored = z.intersection(
  z.object({ devicesVersion: z.number() }),
  z.union([
    z.object({ id: z.number(), deviceId: z.string(), type: z.string(), content: z.string() }),
    z.object({ id: z.null() }),
  ]),
);

/**
 * Stores what a device tells the others of its account, if it was encrypted for the devices that there are now.
 * The owner's row is held meanwhile, so a device that is shut out at the same moment gets nothing.
 * @throws forbidden when an envelope is for another than the asker's own, not revoked devices
 */
export async function note(
  { db, notices }: Ground,
  asker: Asker,
  { devicesVersion, envelopes }: SendNote,
): Promise<NoteResult> {
  const { userId, deviceId: senderDeviceId } = asker;
  const { rows } = await sql`
    with owner as materialized (
      select devices_version from users where id = ${userId} for share
    ),
    wanted as materialized (
      select d.id, w.type, w.content
      from unnest(
        ${envelopes.map((one) => one.recipientDeviceId)}::uuid[],
        ${envelopes.map((one) => one.type)}::text[],
        ${envelopes.map((one) => one.content)}::text[]
      ) as w(id, type, content)
      join devices d on d.id = w.id and d.user_id = ${userId} and d.id <> ${senderDeviceId}
        and d.revoked_at is null and d.signature is not null
    ),
    stored as (
      insert into envelopes (recipient_device_id, sender_user_id, sender_device_id, type, content)
      select w.id, ${userId}, ${senderDeviceId}, w.type, w.content from wanted w, owner o
      where o.devices_version = ${devicesVersion}::integer
        and (select count(*) from wanted) = ${envelopes.length}::integer
      returning id, recipient_device_id, type, content
    )
    select o.devices_version as "devicesVersion", s.id, s.recipient_device_id as "deviceId", s.type, s.content
    from owner o left join stored s on true
  `.execute(db);
  const told = z.array(stored).parse(rows);
  const version = told[0]?.devicesVersion ?? 0;
  if (version !== devicesVersion) return { status: 'stale', devicesVersion: version };
  for (const one of told) {
    if (one.id === null) throw new AparteError('forbidden');
    const { id, deviceId, type, content } = one;
    notices.noted({
      userId,
      deviceId,
      envelope: { id, senderUserId: userId, senderDeviceId, conversationId: null, type, content },
    });
  }
  return { status: 'noted' };
}
