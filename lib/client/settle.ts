import { type Arrival, changeMessage, mayManage } from './apply';
import { Batch, batched } from './batch';
import { type AparteDb, type ConversationRow, type OutboxRow, pendingOrder, type SealedIntent } from './db';
import type { Session } from './meta';
import { followInList, showInList } from './preview';

/**
 * An own message has its number: its outbox row goes, its message row says sent. The same whether the answer to
 * the send tells it or a pull that brings the message back. Inside a transaction over `outbox` and what the batch
 * holds; `conversation` is changed in place, the caller stores it and the batch.
 *
 * @returns false when this device holds neither the message nor its intent: it is read like another's
 */
export function settleOwn(
  batch: Batch,
  conversation: ConversationRow,
  arrival: Arrival,
  me: string,
): boolean {
  const row = batch.settleIntent(arrival.id);
  const message = batch.message(arrival.id);
  if (message) {
    // A server that numbers a message twice changes no title by it.
    const isNew = message.seq === null && message.conversationId === conversation.conversationId;
    message.seq = arrival.seq;
    message.order = arrival.seq;
    message.at = arrival.at;
    message.status = 'sent';
    message.failure = null;
    batch.putMessage(message);
    showInList(conversation, message);
    const title = message.notice?.title;
    if (title != null && isNew && arrival.seq > conversation.titleSeq && mayManage(conversation, me)) {
      // Somebody else's may have come before it, and stand here until now; a later one of mine is shown already.
      conversation.title = (row && batch.laterTitle(row)) ?? title;
      conversation.titleSeq = arrival.seq;
    }
  }
  if (row) settleChange(batch, conversation, row, { seq: arrival.seq, me });
  return row !== undefined || message !== undefined;
}

/** An own edit or reaction stood above every number while it waited; now it takes its own. */
function settleChange(
  batch: Batch,
  conversation: ConversationRow,
  row: OutboxRow,
  { seq, me }: { seq: number; me: string },
): void {
  if (row.intent.kind !== 'message' || !('target' in row.intent.content)) return;
  const { content } = row.intent;
  const target = batch.message(content.target);
  if (!target) return;
  const pending = pendingOrder + row.id;
  if (content.kind === 'edit' && target.editSeq === pending) target.editSeq = 0;
  const reaction = target.reactions[me];
  if (content.kind === 'react' && reaction && reaction.seq === pending) reaction.seq = 0;
  changeMessage(target, content, me, seq);
  if (content.kind === 'delete') batch.forgetPicture(target);
  batch.putMessage(target);
  followInList(conversation, target);
}

/** From here on a message cannot be taken back. @returns what to send; `null`: it was taken back, or written anew */
export async function markTried(db: AparteDb, id: number): Promise<SealedIntent | null> {
  return db.transaction('rw', db.outbox, async () => {
    const sealed = (await db.outbox.get(id))?.sealed;
    if (!sealed || sealed.tried) return sealed ?? null;
    const tried = { ...sealed, tried: true };
    await db.outbox.update(id, { sealed: tried });
    return tried;
  });
}

/** The server has what was sent: its row goes. @returns whether others wrote before it, which is to be pulled */
export async function settleSent(
  db: AparteDb,
  me: Extract<Session, { state: 'signed_in' }>,
  { id, conversationId }: OutboxRow,
  sealed: SealedIntent,
  result: { seq: number; at: number },
): Promise<boolean> {
  let gap = false;
  await db.transaction('rw', [...batched(db), db.conversations, db.outbox], async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation) return;
    if (sealed.slot === 'mark') {
      await db.outbox.delete(id);
      return;
    }
    const arrival = {
      id: sealed.clientId,
      conversationId,
      seq: result.seq,
      senderId: me.userId,
      senderDeviceId: me.deviceId,
      at: result.at,
    };
    const batch = await Batch.open(db, [{ arrival, opened: { status: 'invalid' } }], me.deviceId);
    settleOwn(batch, conversation, arrival, me.userId);
    await batch.store();
    if (conversation.cursor + 1 === result.seq) conversation.cursor = result.seq;
    else gap = conversation.cursor < result.seq;
    conversation.lastSeq = Math.max(conversation.lastSeq, result.seq);
    await db.conversations.put(conversation);
  });
  return gap;
}
