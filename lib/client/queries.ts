import { type AparteDb, type ConversationRow, type MessageRow, type PersonRow, pendingOrder } from './db';
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

/** Who types in a conversation. Rows expire: the engine deletes them. */
export async function typists(db: AparteDb, conversationId: string): Promise<string[]> {
  const rows = await db.typing
    .where('[conversationId+userId]')
    .between([conversationId, ''], [conversationId, '￿'])
    .toArray();
  return rows.map((row) => row.userId);
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
