import type * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import type {
  joinRendezvous,
  leaveRendezvous,
  openRendezvous,
  postRendezvous,
  RendezvousNews,
  readRendezvous,
} from '../../lib/protocol/linking';
import { hashOf } from '../devices/tokens';
import type { Ground } from '../ground';

type Here = Pick<Ground, 'db' | 'now'>;
type Side = 'shower' | 'scanner';

/** A used or expired code is remembered this long, so that it cannot be opened again under the same name. */
const rememberedMs = 24 * 60 * 60_000;

/**
 * Where two devices meet that know nothing of each other but a code: two mailboxes, five minutes, one visitor. What
 * they write is encrypted between them.
 * @throws link_used when the name is taken by another
 */
export async function open(
  { db, now }: Here,
  { rendezvousId, publicKey, token }: z.infer<typeof openRendezvous>,
): Promise<{ expiresInMs: number }> {
  await db
    .deleteFrom('rendezvous')
    .where('expires_at', '<', now() - rememberedMs)
    .execute();
  const expiresAt = now() + limits.linkTtlMs;
  const shower_hash = hashOf(token);
  await db
    .insertInto('rendezvous')
    .values({
      id: rendezvousId,
      public_key: publicKey,
      shower_hash,
      scanner_hash: null,
      expires_at: expiresAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await find({ db, now }, rendezvousId);
  if (!row.shower_hash.equals(shower_hash) || row.public_key !== publicKey)
    throw new AparteError('link_used');
  return { expiresInMs: row.expires_at - now() };
}

/** @throws link_expired, link_used */
export async function lookUp(
  here: Here,
  rendezvousId: string,
): Promise<{ publicKey: string; expiresInMs: number }> {
  const row = await find(here, rendezvousId);
  if (row.shower_left) throw new AparteError('link_expired');
  if (row.scanner_hash !== null) throw new AparteError('link_used');
  return { publicKey: row.public_key, expiresInMs: row.expires_at - here.now() };
}

/** Only the first to come gets in. @throws link_expired, link_used */
export async function join(
  here: Here,
  { rendezvousId, token, body }: z.infer<typeof joinRendezvous>,
): Promise<{ expiresInMs: number }> {
  const hash = hashOf(token);
  return here.db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('rendezvous')
      .selectAll()
      .where('id', '=', rendezvousId)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined || row.expires_at <= here.now() || row.shower_left)
      throw new AparteError('link_expired');
    if (row.scanner_hash !== null && !row.scanner_hash.equals(hash)) throw new AparteError('link_used');
    if (row.scanner_hash === null) {
      await trx
        .updateTable('rendezvous')
        .set({ scanner_hash: hash })
        .where('id', '=', rendezvousId)
        .execute();
      await trx
        .insertInto('rendezvous_messages')
        .values({ rendezvous_id: rendezvousId, side: 'scanner', seq: 1, body })
        .execute();
    }
    return { expiresInMs: row.expires_at - here.now() };
  });
}

/** Puts a message into one's own mailbox. The first of a number counts. @throws link_expired */
export async function post(
  here: Here,
  { rendezvousId, token, seq, body }: z.infer<typeof postRendezvous>,
): Promise<void> {
  const { side } = await enter(here, rendezvousId, token);
  await here.db
    .insertInto('rendezvous_messages')
    .values({ rendezvous_id: rendezvousId, side, seq, body })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What the other side wrote after a number. @throws link_expired */
export async function read(
  here: Here,
  { rendezvousId, token, after }: z.infer<typeof readRendezvous>,
): Promise<RendezvousNews> {
  const { side, row } = await enter(here, rendezvousId, token);
  const other = side === 'shower' ? 'scanner' : 'shower';
  const messages = await here.db
    .selectFrom('rendezvous_messages')
    .select(['seq', 'body'])
    .where('rendezvous_id', '=', rendezvousId)
    .where('side', '=', other)
    .where('seq', '>', after)
    .orderBy('seq')
    .execute();
  return { messages, closed: other === 'shower' ? row.shower_left : row.scanner_left };
}

/** Says that nothing more will come from this side. Leaving twice, or what is gone, is no error. */
export async function leave(
  { db }: Here,
  { rendezvousId, token }: z.infer<typeof leaveRendezvous>,
): Promise<void> {
  const hash = hashOf(token);
  for (const side of ['shower', 'scanner'] as const)
    await db
      .updateTable('rendezvous')
      .set({ [`${side}_left`]: true })
      .where('id', '=', rendezvousId)
      .where(`${side}_hash`, '=', hash)
      .execute();
}

async function enter(here: Here, rendezvousId: string, token: string) {
  const row = await find(here, rendezvousId);
  const hash = hashOf(token);
  const side: Side | undefined = row.shower_hash.equals(hash)
    ? 'shower'
    : row.scanner_hash?.equals(hash)
      ? 'scanner'
      : undefined;
  // Who has no token learns no more than that of a code that is none.
  if (side === undefined) throw new AparteError('link_expired');
  return { row, side };
}

async function find({ db, now }: Here, rendezvousId: string) {
  const row = await db.selectFrom('rendezvous').selectAll().where('id', '=', rendezvousId).executeTakeFirst();
  if (row === undefined || row.expires_at <= now()) throw new AparteError('link_expired');
  return row;
}
