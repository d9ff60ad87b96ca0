import type { Content, Payload } from './content';
import type { AparteDb, ConversationRow, MessageRow, OrphanRow } from './db';

/**
 * What a message does to the cache. Every rule compares numbers (the last edit wins, a delete is final, a person's
 * last reaction stands), so the outcome does not depend on the order in which messages become readable.
 *
 * All run inside a transaction over `conversations`, `messages`, `people` and `orphans`.
 */
export interface Arrival {
  id: string;
  conversationId: string;
  seq: number;
  senderId: string;
  senderDeviceId: string;
  at: number;
}

export type Opened =
  | { status: 'ok'; payload: Payload }
  | { status: 'sealed' }
  | { status: 'invalid' }
  /** From a device after its owner has shut it out: it is shown to nobody. */
  | { status: 'refused' };

/** The rows' common start; the callers say what kind it is. */
function rowOf(arrival: Arrival): MessageRow {
  return {
    ...arrival,
    kind: 'text',
    order: arrival.seq,
    status: 'received',
    failure: null,
    body: '',
    replyTo: null,
    deleted: false,
    editSeq: 0,
    reactions: {},
    notice: null,
  };
}

/** Applies one arrival. `conversation` is changed in place; the caller stores it. */
export async function applyArrival(
  db: AparteDb,
  conversation: ConversationRow,
  arrival: Arrival,
  opened: Opened,
  me: string,
): Promise<void> {
  const existing = await db.messages.get(arrival.id);
  // The id is taken by another message: a replay, or someone who claims another's id. It is refused.
  if (existing && existing.kind !== 'sealed' && existing.seq !== null && existing.seq !== arrival.seq) return;
  if (existing && existing.senderDeviceId !== arrival.senderDeviceId) return;

  if (opened.status === 'refused') {
    if (existing) await forgetSealed(db, conversation, existing, me);
    return;
  }
  if (opened.status !== 'ok') {
    await db.messages.put({ ...rowOf(arrival), kind: opened.status });
    if (!existing) countUnread(conversation, arrival, me);
    return;
  }
  const { payload } = opened;
  await learnName(db, arrival, payload.name);
  const { content } = payload;
  if (content.kind === 'text') {
    const row = { ...rowOf(arrival), body: content.body, replyTo: content.replyTo };
    await db.messages.put(row);
    if (!existing) countUnread(conversation, arrival, me);
    showInList(conversation, row);
    await adoptOrphans(db, conversation, arrival.id);
  } else if (content.kind === 'group') {
    if (existing?.kind === 'sealed') await forgetSealed(db, conversation, existing, me);
    if (!mayManage(conversation, arrival.senderId)) return;
    if (content.title !== null && arrival.seq > conversation.titleSeq) {
      conversation.title = content.title;
      conversation.titleSeq = arrival.seq;
    }
    const row: MessageRow = { ...rowOf(arrival), kind: 'group', notice: content };
    await db.messages.put(row);
    showInList(conversation, row);
  } else {
    if (existing?.kind === 'sealed') await forgetSealed(db, conversation, existing, me);
    await applyToTarget(db, conversation, { ...arrival, target: content.target, content });
  }
}

/** Applies an edit, a delete or a reaction, or keeps it until its target comes. */
export async function applyToTarget(
  db: AparteDb,
  conversation: ConversationRow,
  change: OrphanRow,
): Promise<void> {
  const target = await db.messages.get(change.target);
  if (!target || target.kind === 'sealed') {
    const { id, target: targetId, conversationId, seq, senderId, content } = change;
    await db.orphans.put({ id, target: targetId, conversationId, seq, senderId, content });
    return;
  }
  if (target.conversationId !== change.conversationId || target.kind !== 'text') return;
  if (!changeMessage(target, change.content, change.senderId, change.seq)) return;
  await db.messages.put(target);
  if (conversation.preview?.messageId === target.id) conversation.preview.text = target.body;
}

/** @returns whether the row changed. Only its sender edits or deletes a message. */
export function changeMessage(row: MessageRow, content: Content, senderId: string, seq: number): boolean {
  if (content.kind === 'react') {
    if ((row.reactions[senderId]?.seq ?? 0) >= seq) return false;
    row.reactions[senderId] = { emoji: content.emoji, seq };
    return true;
  }
  if (row.senderId !== senderId) return false;
  if (content.kind === 'delete') {
    row.deleted = true;
    row.body = '';
    return true;
  }
  if (content.kind !== 'edit' || row.deleted || row.editSeq >= seq) return false;
  row.body = content.body;
  row.editSeq = seq;
  return true;
}

async function adoptOrphans(db: AparteDb, conversation: ConversationRow, target: string): Promise<void> {
  const orphans = await db.orphans.where('target').equals(target).toArray();
  for (const orphan of orphans) {
    await db.orphans.delete(orphan.id);
    await applyToTarget(db, conversation, orphan);
  }
}

async function forgetSealed(
  db: AparteDb,
  conversation: ConversationRow,
  row: MessageRow,
  me: string,
): Promise<void> {
  await db.messages.delete(row.id);
  if (row.senderId !== me && (row.seq ?? 0) > conversation.readSeq) {
    conversation.unread = Math.max(0, conversation.unread - 1);
  }
}

async function learnName(db: AparteDb, arrival: Arrival, name: string): Promise<void> {
  const person = await db.people.get(arrival.senderId);
  if (person && person.nameAt <= arrival.at && person.name !== name) {
    await db.people.update(arrival.senderId, { name, nameAt: arrival.at });
  }
}

function countUnread(conversation: ConversationRow, arrival: Arrival, me: string): void {
  if (arrival.senderId !== me && arrival.seq > conversation.readSeq) conversation.unread += 1;
}

export function showInList(conversation: ConversationRow, row: MessageRow): void {
  if (conversation.preview && conversation.preview.at > row.at) return;
  conversation.preview = {
    messageId: row.id,
    senderId: row.senderId,
    kind: row.kind,
    text: row.body,
    at: row.at,
  };
  conversation.sortAt = Math.max(conversation.sortAt, row.at);
}

function mayManage(conversation: ConversationRow, userId: string): boolean {
  if (conversation.kind !== 'group') return false;
  const member = conversation.members.find((candidate) => candidate.userId === userId);
  return member !== undefined && member.role !== 'member';
}
