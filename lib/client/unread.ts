import { type AparteDb, type ConversationRow, pendingOrder } from './db';

/**
 * Moves the read mark forward, never back, and counts what is left. Inside a transaction over `messages`.
 * @param me whose own messages do not count; asked only if something is left
 */
export async function readUpTo(
  db: AparteDb,
  conversation: ConversationRow,
  seq: number,
  me: () => Promise<string>,
): Promise<void> {
  if (conversation.readSeq >= seq) return;
  conversation.readSeq = seq;
  conversation.unread = seq >= conversation.cursor ? 0 : await countAfter(db, conversation, seq, await me());
}

const countAfter = (db: AparteDb, { conversationId }: ConversationRow, seq: number, me: string) =>
  db.messages
    .where('[conversationId+order]')
    .between([conversationId, seq], [conversationId, pendingOrder], false, false)
    .filter((message) => message.senderId !== me && message.kind !== 'group')
    .count();
