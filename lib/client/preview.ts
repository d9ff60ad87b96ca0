import type { AparteDb, ConversationRow, MessageRow, Preview } from './db';
import { forgetPictures } from './picture-rows';

/** @param seq its number, or that of the message that it comes after */
export const previewOf = (row: MessageRow, seq: number): Preview => ({
  messageId: row.id,
  senderId: row.senderId,
  kind: row.kind,
  text: row.body,
  ...(row.picture && !row.deleted ? { picture: true as const } : {}),
  at: row.at,
  seq,
});

export function showInList(conversation: ConversationRow, row: MessageRow): void {
  const seq = row.seq ?? conversation.cursor;
  const shown = conversation.preview;
  // By numbers: of two clocks one may be hours off.
  if (shown && shown.messageId !== row.id && shown.seq > seq) return;
  conversation.preview = previewOf(row, seq);
  conversation.sortAt = Math.max(conversation.sortAt, row.at);
}

/** The message that the list shows has changed. @returns whether it is this one */
export function followInList(conversation: ConversationRow, row: MessageRow): boolean {
  if (conversation.preview?.messageId !== row.id) return false;
  conversation.preview = previewOf(row, conversation.preview.seq);
  return true;
}

/** The same in the database. Inside a transaction over `conversations`. */
export async function storeFollowed(db: AparteDb, row: MessageRow): Promise<void> {
  const conversation = await db.conversations.get(row.conversationId);
  if (conversation && followInList(conversation, row)) await db.conversations.put(conversation);
}

/**
 * Deletes a message, and leaves the list to the one before it. Inside a transaction over `conversations`, and where it
 * may have a picture over `pictures` and `transfers`.
 */
export async function dropMessage(db: AparteDb, message: MessageRow): Promise<void> {
  const { id, conversationId } = message;
  await db.messages.delete(id);
  await forgetPictures(db, [message]);
  const conversation = await db.conversations.get(conversationId);
  if (conversation?.preview?.messageId !== id) return;
  const last = await db.messages
    .where('[conversationId+order]')
    .between([conversationId, 0], [conversationId, []])
    .reverse()
    .filter((row) => row.kind === 'text' || row.kind === 'group')
    .first();
  const preview = last ? previewOf(last, last.seq ?? conversation.cursor) : null;
  await db.conversations.update(conversationId, { preview });
}
