import { type AparteDb, type ConversationRow, pendingOrder } from './db';

/** Moves the read mark forward, never back, and counts what is left. Inside a transaction over `messages`. */
export async function readUpTo(
  db: AparteDb,
  conversation: ConversationRow,
  seq: number,
  me: string,
): Promise<void> {
  if (conversation.readSeq >= seq) return;
  conversation.readSeq = seq;
  conversation.unread = await db.messages
    .where('[conversationId+order]')
    .between([conversation.conversationId, seq], [conversation.conversationId, pendingOrder], false, false)
    .filter((message) => message.senderId !== me && message.kind !== 'group')
    .count();
}
