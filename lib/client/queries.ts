import type { ActivityKind } from '../protocol/frames';
import {
  type AparteDb,
  type ConversationRow,
  type MessageRow,
  type PersonRow,
  type PresenceRow,
  pendingOrder,
} from './db';
import type { LinkState } from './link-state';

/** Reads for live queries: each runs again when what it read has changed, in whichever tab or worker. */

export const session = (db: AparteDb) =>
  db.readMeta('session').then((value) => value ?? { state: 'signed_out' as const });

export const connection = (db: AparteDb) =>
  db.readMeta('connection').then((value) => value ?? { state: 'offline' as const });

export const link = (db: AparteDb): Promise<LinkState> =>
  db.readMeta('link').then((value) => value ?? { step: 'idle' as const });

/** Newest first, without those that were blocked. */
export const conversations = (db: AparteDb): Promise<ConversationRow[]> =>
  db.conversations
    .orderBy('sortAt')
    .reverse()
    .filter((row) => row.myState !== 'blocked')
    .toArray();

export const conversation = (db: AparteDb, conversationId: string) => db.conversations.get(conversationId);

/** The last `limit` messages, oldest first. */
export async function lastMessages(
  db: AparteDb,
  conversationId: string,
  limit: number,
): Promise<MessageRow[]> {
  const rows = await db.messages
    .where('[conversationId+order]')
    .between([conversationId, 0], [conversationId, pendingOrder * 2])
    .reverse()
    .limit(limit)
    .toArray();
  return rows.reverse();
}

export const message = (db: AparteDb, id: string) => db.messages.get(id);

export async function people(db: AparteDb): Promise<Map<string, PersonRow>> {
  return new Map((await db.people.toArray()).map((person) => [person.userId, person]));
}

/** The strongest first: who speaks is not shown as typing. */
const activityRank: ActivityKind[] = ['calling', 'recording', 'typing'];

/** What others are doing in a conversation and who they are; `null` when nobody does anything. */
export async function activity(
  db: AparteDb,
  conversationId: string,
): Promise<{ kind: ActivityKind; userIds: string[] } | null> {
  const rows = await db.activities
    .where('[conversationId+userId+kind]')
    .between([conversationId], [conversationId, []])
    .toArray();
  const kind = activityRank.find((candidate) => rows.some((row) => row.kind === candidate));
  if (kind === undefined) return null;
  return { kind, userIds: rows.filter((row) => row.kind === kind).map((row) => row.userId) };
}

export const presenceShown = (db: AparteDb) => db.readMeta('presenceShown').then((shown) => shown ?? true);

export async function presences(db: AparteDb): Promise<Map<string, PresenceRow>> {
  return new Map((await db.presences.toArray()).map((presence) => [presence.userId, presence]));
}

export type Presence = { state: 'unknown' } | { state: 'online' } | { state: 'away'; lastSeenAt: number };

/** An `online` that was not said again in time counts as away. */
export function presenceAt(row: PresenceRow | undefined, now: number): Presence {
  if (row === undefined) return { state: 'unknown' };
  return row.onlineUntil > now ? { state: 'online' } : { state: 'away', lastSeenAt: row.lastSeenAt };
}

export async function unreadTotal(db: AparteDb): Promise<number> {
  let total = 0;
  await db.conversations.each((row) => {
    if (row.myState !== 'blocked') total += row.unread;
  });
  return total;
}

/** How far a message of mine has come: read by all others, delivered to all others, or sent. */
export function markOf(conversation: ConversationRow, message: MessageRow): 'sent' | 'delivered' | 'read' {
  const others = conversation.members.filter(
    (member) => member.userId !== message.senderId && member.state === 'active',
  );
  const seq = message.seq ?? Number.POSITIVE_INFINITY;
  const reached = (mark: 'delivered' | 'read') =>
    others.length > 0 && others.every((member) => (conversation.marks[member.userId]?.[mark] ?? 0) >= seq);
  if (reached('read')) return 'read';
  return reached('delivered') ? 'delivered' : 'sent';
}
