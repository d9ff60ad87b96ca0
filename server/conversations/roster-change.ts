import { type Kysely, sql, type Transaction } from 'kysely';
import { AparteError } from '../../lib/protocol/errors';
import type { Database } from '../db/schema';
import type { Ground } from '../ground';
import { isCurrent, type MemberChange, type Roster, type RosterMember } from './roster-rules';

export interface LockedRoster extends Roster {
  readonly conversationId: string;
  readonly rosterVersion: number;
  readonly lastSeq: number;
}

/** Whom to tell about which version, once the change is committed. */
export interface RosterNotice {
  conversationId: string;
  rosterVersion: number;
  userIds: string[];
}

/** Reads a conversation under its row lock, which orders roster changes and sends on every node. */
export async function lockRoster(
  trx: Transaction<Database>,
  conversationId: string,
): Promise<LockedRoster | undefined> {
  const row = await trx
    .selectFrom('conversations')
    .select(['kind', 'roster_version', 'last_seq'])
    .where('id', '=', conversationId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const members = await trx
    .selectFrom('members')
    .select(['user_id', 'role', 'state', 'joined_at'])
    .where('conversation_id', '=', conversationId)
    .execute();
  return {
    conversationId,
    kind: row.kind,
    rosterVersion: row.roster_version,
    lastSeq: row.last_seq,
    members: new Map(
      members.map((member): [string, RosterMember] => [
        member.user_id,
        { userId: member.user_id, role: member.role, state: member.state, joinedAt: member.joined_at },
      ]),
    ),
  };
}

/** Stores the changes and the new version. Nothing to change leaves the version as it is. */
export async function applyChanges(
  trx: Transaction<Database>,
  roster: LockedRoster,
  changes: readonly MemberChange[],
  now: number,
): Promise<RosterNotice | undefined> {
  if (changes.length === 0) return undefined;
  const rosterVersion = roster.rosterVersion + 1;
  const told = new Set<string>();
  for (const member of roster.members.values()) if (isCurrent(member.state)) told.add(member.userId);
  for (const change of changes) {
    told.add(change.userId);
    await storeChange(trx, roster, change, rosterVersion, now);
  }
  await trx
    .updateTable('conversations')
    .set({ roster_version: rosterVersion })
    .where('id', '=', roster.conversationId)
    .execute();
  return { conversationId: roster.conversationId, rosterVersion, userIds: [...told] };
}

async function storeChange(
  trx: Transaction<Database>,
  roster: LockedRoster,
  change: MemberChange,
  rosterVersion: number,
  now: number,
): Promise<void> {
  const before = roster.members.get(change.userId)?.state;
  const comes = isCurrent(change.state);
  const place = {
    role: change.role,
    state: change.state,
    left_seq: comes ? null : roster.lastSeq,
    left_roster_version: comes ? null : rosterVersion,
    // Who comes, or comes back, reads from here on.
    ...(comes && !isCurrent(before) ? { joined_seq: roster.lastSeq, joined_at: now } : {}),
  };
  if (before === undefined) {
    await trx
      .insertInto('members')
      .values({
        conversation_id: roster.conversationId,
        user_id: change.userId,
        joined_at: now,
        ...place,
      })
      .execute();
    return;
  }
  await trx
    .updateTable('members')
    .set(place)
    .where('conversation_id', '=', roster.conversationId)
    .where('user_id', '=', change.userId)
    .execute();
}

/**
 * Changes a roster by a rule, in one transaction, and tells the members afterwards.
 * @throws not_found when there is no such conversation, and whatever the rule refuses with
 */
export async function changeRoster(
  ground: Ground,
  conversationId: string,
  rule: (roster: LockedRoster, trx: Transaction<Database>) => Promise<MemberChange[]> | MemberChange[],
  prepare?: (trx: Transaction<Database>) => Promise<void>,
): Promise<void> {
  const notice = await ground.db.transaction().execute(async (trx) => {
    await prepare?.(trx);
    const roster = await lockRoster(trx, conversationId);
    if (roster === undefined) throw new AparteError('not_found');
    return applyChanges(trx, roster, await rule(roster, trx), ground.now());
  });
  if (notice !== undefined) ground.notices.rosterChanged(notice);
}

/**
 * Holds the people to be added, so that a device of theirs cannot be revoked between this and the commit without
 * the conversation's version telling. Taken before the conversation's lock, as the revocation does.
 * @throws not_found when one of them does not exist
 */
export async function holdUsers(trx: Transaction<Database>, userIds: readonly string[]): Promise<void> {
  const wanted = [...new Set(userIds)];
  if (wanted.length === 0) return;
  const rows = await trx
    .selectFrom('users')
    .select('id')
    .where('id', 'in', wanted)
    .orderBy('id')
    .forShare()
    .execute();
  if (rows.length !== wanted.length) throw new AparteError('not_found');
}

/**
 * A device of the user came or went: every conversation of theirs has a new version. The caller has updated the
 * user's row, which is locked before conversations.
 */
export async function bumpRostersOf(trx: Transaction<Database>, userId: string): Promise<RosterNotice[]> {
  const conversations = await trx
    .selectFrom('conversations as c')
    .innerJoin('members as m', 'm.conversation_id', 'c.id')
    .select('c.id')
    .where('m.user_id', '=', userId)
    .where('m.state', 'in', ['active', 'requested'])
    .orderBy('c.id')
    .forUpdate('c')
    .execute();
  if (conversations.length === 0) return [];
  const ids = conversations.map((row) => row.id);
  const versions = await trx
    .updateTable('conversations')
    .set({ roster_version: sql`roster_version + 1` })
    .where('id', 'in', ids)
    .returning(['id', 'roster_version'])
    .execute();
  const members = await currentMembers(trx, ids);
  return versions.map((row) => ({
    conversationId: row.id,
    rosterVersion: row.roster_version,
    userIds: members.get(row.id) ?? [],
  }));
}

/** The members who receive, by conversation. */
export async function currentMembers(
  db: Kysely<Database>,
  conversationIds: readonly string[],
): Promise<Map<string, string[]>> {
  const rows = await db
    .selectFrom('members')
    .select(['conversation_id', 'user_id'])
    .where('conversation_id', 'in', [...conversationIds])
    .where('state', 'in', ['active', 'requested'])
    .execute();
  const byConversation = new Map<string, string[]>();
  for (const row of rows) {
    const userIds = byConversation.get(row.conversation_id);
    if (userIds === undefined) byConversation.set(row.conversation_id, [row.user_id]);
    else userIds.push(row.user_id);
  }
  return byConversation;
}
