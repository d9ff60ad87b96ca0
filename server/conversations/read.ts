import { sql } from 'kysely';
import type { Conversation, ConversationSummary, Member } from '../../lib/protocol/conversations';
import type { Db } from '../db/database';
import { isCurrent } from './roster-rules';

/**
 * The conversations among those asked for that the user is or was in; others are left out. Who has left sees
 * the conversation as it stood then, without its other members.
 */
export async function readConversations(
  db: Db,
  userId: string,
  conversationIds: readonly string[],
): Promise<Conversation[]> {
  if (conversationIds.length === 0) return [];
  const mine = await db
    .selectFrom('members as m')
    .innerJoin('conversations as c', 'c.id', 'm.conversation_id')
    .select([
      'c.id',
      'c.kind',
      'c.roster_version',
      'c.last_seq',
      'c.created_by',
      'm.state',
      'm.joined_seq',
      'm.left_seq',
      'm.left_roster_version',
    ])
    .where('m.user_id', '=', userId)
    .where('c.id', 'in', [...conversationIds])
    .execute();
  if (mine.length === 0) return [];
  const members = await db
    .selectFrom('members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['m.conversation_id', 'm.user_id', 'u.handle', 'm.role', 'm.state', 'u.devices_version'])
    .where(
      'm.conversation_id',
      'in',
      mine.map((row) => row.id),
    )
    .orderBy('m.joined_at')
    .orderBy('m.user_id')
    .execute();
  return mine.map((row) => ({
    conversationId: row.id,
    kind: row.kind,
    rosterVersion: row.left_roster_version ?? row.roster_version,
    lastSeq: row.left_seq ?? row.last_seq,
    joinedSeq: row.joined_seq,
    createdBy: row.created_by,
    members: members
      .filter((member) => member.conversation_id === row.id)
      .filter((member) => row.kind === 'direct' || isCurrent(row.state) || member.user_id === userId)
      .map(
        (member): Member => ({
          userId: member.user_id,
          handle: member.handle,
          role: member.role,
          state: member.state === 'blocked' && member.user_id !== userId ? 'active' : member.state,
          devicesVersion: member.devices_version,
        }),
      ),
  }));
}

/** Where every conversation of the user stands, for a device that compares. */
export async function summaries(db: Db, userId: string): Promise<ConversationSummary[]> {
  return db
    .selectFrom('members as m')
    .innerJoin('conversations as c', 'c.id', 'm.conversation_id')
    .select([
      'c.id as conversationId',
      sql<number>`coalesce(m.left_roster_version, c.roster_version)`.as('rosterVersion'),
      sql<number>`coalesce(m.left_seq, c.last_seq)`.as('lastSeq'),
      sql<number>`coalesce((
        select at from messages where conversation_id = c.id and seq = coalesce(m.left_seq, c.last_seq) and seq > m.joined_seq
      ), 0)`.as('lastAt'),
    ])
    .where('m.user_id', '=', userId)
    .execute();
}
