import { isMeant } from './alert-rules';
import type { Batch } from './batch';
import type { Content, Payload } from './content';
import type { ConversationRow, MessageRow, OrphanRow } from './db';
import { shownSafely } from './picture-size';
import { followInList, showInList } from './preview';

/**
 * What a message does to the cache. Every rule compares numbers (the last edit wins, a delete is final, a person's
 * last reaction stands), so the outcome does not depend on the order in which messages become readable.
 *
 * All work on a batch, which its caller stores, and wait for nothing: a transaction ends by itself when a page of
 * arrivals waits a hundred times in it for anything but the database.
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

/** An arrival and what was in it. */
export interface Coming {
  arrival: Arrival;
  opened: Opened;
}

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
export function applyArrival(
  batch: Batch,
  conversation: ConversationRow,
  { arrival, opened }: Coming,
  owner: { userId: string; handle: string },
): void {
  const me = owner.userId;
  const existing = batch.message(arrival.id);
  // It came before, and what has been done to it since stands: told again, it would come back as it was said.
  const isHere = existing?.kind === 'text' || existing?.kind === 'group';
  // Or the id is taken by another message: a replay, or someone who claims another's id. It is refused.
  const isTaken = existing?.kind === 'invalid' && existing.seq !== arrival.seq;
  if (existing && existing.seq !== null && (isHere || isTaken)) return;
  if (existing && existing.senderDeviceId !== arrival.senderDeviceId) return;

  if (opened.status === 'refused') {
    if (existing) forgetSealed(batch, conversation, existing, me);
    return;
  }
  if (opened.status !== 'ok') {
    batch.putMessage({ ...rowOf(arrival), kind: opened.status });
    if (!existing) countUnread(conversation, arrival, me);
    return;
  }
  const { payload } = opened;
  learnName(batch, arrival, payload.name);
  const { content } = payload;
  if (content.kind === 'text') {
    const { body, replyTo, picture } = content;
    const row = { ...rowOf(arrival), body, replyTo, ...(picture ? { picture: shownSafely(picture) } : {}) };
    batch.putMessage(row);
    if (!existing) countUnread(conversation, arrival, me);
    showInList(conversation, row);
    for (const orphan of batch.adoptOrphans(arrival.id)) applyToTarget(batch, conversation, orphan);
    noteMeant(batch, conversation, row, owner);
  } else if (content.kind === 'group') {
    if (existing?.kind === 'sealed') forgetSealed(batch, conversation, existing, me);
    if (!mayManage(conversation, arrival.senderId)) return;
    if (content.title !== null && arrival.seq > conversation.titleSeq) {
      conversation.title = content.title;
      conversation.titleSeq = arrival.seq;
    }
    const row: MessageRow = { ...rowOf(arrival), kind: 'group', notice: content };
    batch.putMessage(row);
    showInList(conversation, row);
  } else {
    if (existing?.kind === 'sealed') forgetSealed(batch, conversation, existing, me);
    applyToTarget(batch, conversation, { ...arrival, target: content.target, content });
  }
}

/** Applies an edit, a delete or a reaction, or keeps it until its target comes. */
export function applyToTarget(batch: Batch, conversation: ConversationRow, change: OrphanRow): void {
  const target = batch.message(change.target);
  if (!target || target.kind === 'sealed') {
    const { id, target: targetId, conversationId, seq, senderId, content } = change;
    batch.putOrphan({ id, target: targetId, conversationId, seq, senderId, content });
    return;
  }
  if (target.conversationId !== change.conversationId || target.kind !== 'text') return;
  if (!changeMessage(target, change.content, change.senderId, change.seq)) return;
  if (change.content.kind === 'delete') batch.forgetPicture(target);
  batch.putMessage(target);
  followInList(conversation, target);
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

function forgetSealed(batch: Batch, conversation: ConversationRow, row: MessageRow, me: string): void {
  batch.deleteMessage(row.id);
  if (row.senderId !== me && (row.seq ?? 0) > conversation.readSeq) {
    conversation.unread = Math.max(0, conversation.unread - 1);
  }
}

function learnName(batch: Batch, arrival: Arrival, name: string): void {
  const person = batch.person(arrival.senderId);
  if (person && person.nameAt <= arrival.at && person.name !== name)
    batch.putPerson({ ...person, name, nameAt: arrival.at });
}

function countUnread(conversation: ConversationRow, arrival: Arrival, me: string): void {
  if (arrival.senderId !== me && arrival.seq > conversation.readSeq) conversation.unread += 1;
}

function noteMeant(
  batch: Batch,
  conversation: ConversationRow,
  row: MessageRow,
  me: { userId: string; handle: string },
): void {
  if (conversation.kind !== 'group' || row.senderId === me.userId || row.deleted) return;
  if (row.order < (conversation.meant?.seq ?? 0)) return;
  const repliedTo = row.replyTo === null ? null : (batch.message(row.replyTo)?.senderId ?? null);
  if (isMeant(row, me, repliedTo)) conversation.meant = { seq: row.order, by: row.senderId };
}

export function mayManage(conversation: ConversationRow, userId: string): boolean {
  if (conversation.kind !== 'group') return false;
  const member = conversation.members.find((candidate) => candidate.userId === userId);
  return member !== undefined && member.role !== 'member';
}
