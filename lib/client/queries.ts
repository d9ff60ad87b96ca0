import type { ActivityKind } from '../protocol/frames';
import { directConversationId } from '../protocol/names';
import { defaultAlertSettings, isMuted } from './alert-rules';
import type { AlertSettings } from './alerts';
import {
  type AparteDb,
  type ConversationRow,
  type MessageRow,
  type PersonRow,
  type PresenceRow,
  pendingOrder,
} from './db';
import { missingIn } from './gaps';
import type { LinkState } from './link-state';
import { unsent } from './withdraw';

/** Reads for live queries: each runs again when what it read has changed, in whichever tab or worker. */

export const session = (db: AparteDb) =>
  db.readMeta('session').then((value) => value ?? { state: 'signed_out' as const });

export const connection = (db: AparteDb) =>
  db.readMeta('connection').then((value) => value ?? { state: 'offline' as const });

export const link = (db: AparteDb): Promise<LinkState> =>
  db.readMeta('link').then((value) => value ?? { step: 'idle' as const });

/** Not those that were blocked, nor requests of which nothing has come yet. */
const isListed = (row: ConversationRow): boolean =>
  row.myState !== 'blocked' && (row.myState !== 'requested' || row.preview !== null);

const isBlocked = (row: ConversationRow): boolean => row.kind === 'direct' && row.myState === 'blocked';

/** In a group one cannot keep a person from writing. */
export async function isBlockedPerson(db: AparteDb, me: string, userId: string): Promise<boolean> {
  return (await db.conversations.get(await directConversationId(me, userId)))?.myState === 'blocked';
}

/** Those that are listed, newest first, and one-to-one conversations whose other person was blocked. */
export async function allConversations(
  db: AparteDb,
): Promise<{ listed: ConversationRow[]; blocked: ConversationRow[] }> {
  // All at once and sorted here: asked for in order they would come one by one, ten times as slowly.
  const rows = await db.conversations.toArray();
  return {
    listed: rows.filter(isListed).sort((a, b) => b.sortAt - a.sortAt),
    blocked: rows.filter(isBlocked),
  };
}

/** Those that are listed, newest first. */
export const conversations = async (db: AparteDb): Promise<ConversationRow[]> =>
  (await allConversations(db)).listed;

export interface Newest {
  /** Newest first. */
  rows: ConversationRow[];
  /** Who is named in them. */
  people: Map<string, PersonRow>;
  /** One-to-one conversations with those of them who were blocked. */
  blocked: ConversationRow[];
}

/**
 * What the list shows before anybody scrolls: a fraction of what decrypting all of it takes. Read in one transaction
 * but for who was blocked: while messages arrive, each one waits for all that is being stored.
 */
export async function newestConversations(db: AparteDb, me: string, count: number): Promise<Newest> {
  const { rows, people, speakers } = await db.transaction('r', [db.conversations, db.people], () =>
    readNewest(db, count),
  );
  // What somebody says in a group who was blocked is not shown, not even at first.
  const withMe = await Promise.all(speakers.map((userId) => directConversationId(me, userId)));
  const direct = (await db.conversations.bulkGet(withMe)).flatMap((row) => row ?? []);
  return { rows, people, blocked: direct.filter(isBlocked) };
}

async function readNewest(db: AparteDb, count: number) {
  // From the end on, rows would come one by one, each at the page's next turn: all ids and then these rows is faster.
  const ids = await db.conversations.orderBy('sortAt').primaryKeys();
  const read = (await db.conversations.bulkGet(ids.slice(-count).reverse())).flatMap((row) => row ?? []);
  const rows = read.filter(isListed);
  const speakers = new Set(
    rows.flatMap(({ preview, meant }) => [preview?.senderId ?? [], meant?.by ?? []].flat()),
  );
  const others = rows.flatMap((row) => (row.kind === 'direct' ? row.members.map((one) => one.userId) : []));
  const known = (await db.people.bulkGet([...new Set([...others, ...speakers])])).flatMap((row) => row ?? []);
  const people = new Map(known.map((person) => [person.userId, person]));
  return { rows, people, speakers: [...speakers] };
}

/** All that are listed, of which the newest may have been read later than the others; newest first. */
export function withNewest(all: ConversationRow[], newest: ConversationRow[]): ConversationRow[] {
  const later = new Set(newest.map((row) => row.conversationId));
  const rows = [...newest, ...all.filter((row) => !later.has(row.conversationId))];
  return rows.sort((a, b) => b.sortAt - a.sortAt);
}

export const conversation = (db: AparteDb, conversationId: string) => db.conversations.get(conversationId);

/** Whether the oldest that is here is not the first there is: what stands before it comes by itself, sooner or later. */
export const isArriving = ({ gaps, cursor, joinedSeq, lastSeq }: ConversationRow): boolean =>
  missingIn(gaps) > 0 || (cursor === joinedSeq && lastSeq > joinedSeq);

/** The last `limit` messages, oldest first. */
export const lastMessages = (db: AparteDb, conversationId: string, limit: number): Promise<MessageRow[]> =>
  lastMessagesUpTo(db, conversationId, pendingOrder * 2, limit);

/** The last `limit` messages up to a place in the conversation, oldest first. */
export async function lastMessagesUpTo(
  db: AparteDb,
  conversationId: string,
  order: number,
  limit: number,
): Promise<MessageRow[]> {
  const rows = await db.messages
    .where('[conversationId+order]')
    .between([conversationId, 0], [conversationId, order], true, true)
    .reverse()
    .limit(limit)
    .toArray();
  return rows.reverse();
}

/** The messages around one, oldest first: at most `before` with lower numbers and `after` from it on. */
export async function messagesAround(
  db: AparteDb,
  conversationId: string,
  order: number,
  before: number,
  after: number,
): Promise<{ earlier: MessageRow[]; later: MessageRow[] }> {
  const range = (from: number, until: number) =>
    db.messages.where('[conversationId+order]').between([conversationId, from], [conversationId, until]);
  const earlier = await range(0, order).reverse().limit(before).toArray();
  const later = await range(order, pendingOrder * 2)
    .limit(after)
    .toArray();
  return { earlier: earlier.reverse(), later };
}

/** Grows with what can be found. */
export async function searchStamp(db: AparteDb): Promise<number> {
  const [stamp] = await db.searchBlocks.orderBy('stamp').reverse().limit(1).keys();
  return Number(stamp ?? 0);
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

export const figuresShared = (db: AparteDb) => db.readMeta('figuresShared').then((shared) => shared ?? false);

export async function presences(db: AparteDb): Promise<Map<string, PresenceRow>> {
  return new Map((await db.presences.toArray()).map((presence) => [presence.userId, presence]));
}

export type Presence = { state: 'unknown' } | { state: 'online' } | { state: 'away'; lastSeenAt: number };

/** Nobody is believed to be here for longer than this; what says so was noted by a clock that has been put right. */
const longestBeliefMs = 5 * 60_000;

/** An `online` that was not said again in time counts as away. */
export function presenceAt(row: PresenceRow | undefined, now: number): Presence {
  if (row === undefined) return { state: 'unknown' };
  const online = row.onlineUntil > now && row.onlineUntil <= now + longestBeliefMs;
  return online ? { state: 'online' } : { state: 'away', lastSeenAt: row.lastSeenAt };
}

export const alertSettings = (db: AparteDb): Promise<AlertSettings> =>
  db.readMeta('alertSettings').then((settings) => settings ?? defaultAlertSettings);

/** Whether its unread messages are shown more quietly, and count nowhere else. */
export const isQuieter = (row: ConversationRow, now: number): boolean =>
  isMuted(row, now) || row.alertRule?.mentionsOnly === true;

/** Whether something unread speaks to this device's owner. */
export const isMeantUnread = (
  { unread, readSeq, meant }: ConversationRow,
  isBlocked: (userId: string) => boolean,
): boolean => unread > 0 && meant !== undefined && meant.seq > readSeq && !isBlocked(meant.by);

/**
 * Unread messages for the title and the icon; a group of which one wishes to hear only what is meant counts as one.
 * @param blocked the conversations with people who are
 */
export function unreadOf(listed: ConversationRow[], blocked: ConversationRow[], now: number): number {
  const unheard = new Set(blocked.flatMap((row) => row.members.map(({ userId }) => userId)));
  return listed.reduce((total, row) => {
    if (!isQuieter(row, now)) return total + row.unread;
    const counts = !isMuted(row, now) && isMeantUnread(row, (userId) => unheard.has(userId));
    return counts ? total + 1 : total;
  }, 0);
}

export async function unreadTotal(db: AparteDb, now: number): Promise<number> {
  const { listed, blocked } = await allConversations(db);
  return unreadOf(listed, blocked, now);
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

/** Whether a message of mine can still be taken back. */
export const mayCancel = async (db: AparteDb, messageId: string): Promise<boolean> =>
  (await unsent(db, messageId)).row !== undefined;
