import type { Conversation } from '../protocol/conversations';
import type { AparteDb, ConversationRow, MemberRow } from './db';
import { recentMessages } from './history';
import { serverTime } from './server-clock';
import type { Work } from './work';

/** Conversations are asked for this many at a time. */
const page = 100;

/** Fetches conversations and stores what they have become; changed device lists are asked for again. */
export async function refreshConversations(work: Work, conversationIds: string[]): Promise<void> {
  for (let start = 0; start < conversationIds.length; start += page) {
    const conversations = await work.environment.api.conversations.get.query({
      conversationIds: conversationIds.slice(start, start + page),
    });
    const changed = await Promise.all(conversations.map((fresh) => changedDevices(work, fresh)));
    const userIds = [...new Set(changed.flat())];
    // Before the roster is stored: a message sealed for the new roster must go to its new devices too.
    if (userIds.length > 0) await work.machine.refresh(userIds);
    const { db } = work.environment;
    // In one transaction: lists read anew after each.
    await db.transaction('rw', db.conversations, db.people, db.meta, async () => {
      for (const conversation of conversations) await storeConversation(work, conversation);
    });
  }
}

/** The users whose device lists have changed since this device last looked, and those of whom it has no identity. */
async function changedDevices({ environment }: Work, fresh: Conversation): Promise<string[]> {
  const { db } = environment;
  const known = await db.conversations.get(fresh.conversationId);
  if (!known) {
    // The machine may know people whom a cache that was cleared does not: believed are only those in both.
    const userIds = fresh.members.map((member) => member.userId);
    const identities = await db.identities.bulkGet(userIds);
    return userIds.filter((_, place) => !identities[place]);
  }
  return fresh.members
    .filter((member) => {
      const before = known.members.find((candidate) => candidate.userId === member.userId);
      return before !== undefined && before.devicesVersion !== member.devicesVersion;
    })
    .map((member) => member.userId);
}

/** Inside a transaction over `conversations`, `people` and `meta`. */
async function storeConversation(work: Work, fresh: Conversation): Promise<void> {
  const { db } = work.environment;
  const known = await db.conversations.get(fresh.conversationId);
  if (known && known.rosterVersion > fresh.rosterVersion) return;
  const members = fresh.members.map(
    ({ userId, role, state, devicesVersion }): MemberRow => ({ userId, role, state, devicesVersion }),
  );
  const mine = members.find((member) => member.userId === work.me.userId);
  if (!mine) return;
  const people = await db.people.bulkGet(members.map(({ userId }) => userId));
  const strangers = fresh.members.filter((_, place) => !people[place]);
  await db.people.bulkAdd(strangers.map(({ userId, handle }) => ({ userId, handle, name: null, nameAt: 0 })));
  const roster = {
    members,
    myRole: mine.role,
    myState: mine.state,
    createdBy: fresh.createdBy,
    rosterVersion: fresh.rosterVersion,
    joinedSeq: fresh.joinedSeq,
    lastSeq: Math.max(known?.lastSeq ?? 0, fresh.lastSeq),
  };
  // One who comes back reads on from where they came back.
  const cursor = Math.max(known?.cursor ?? 0, fresh.joinedSeq);
  if (known) await db.conversations.update(fresh.conversationId, { ...roster, cursor });
  else
    await db.conversations.add({
      ...emptyConversation(await serverTime(work.environment)),
      ...fresh,
      ...roster,
      cursor,
      ...(await joinedLate(db, fresh)),
    });
}

/** What other devices have told of it; on one that joined the account later, the newest messages before the others. */
async function joinedLate(db: AparteDb, fresh: Conversation): Promise<Partial<ConversationRow>> {
  const told = (await db.readMeta('arriving'))?.conversations[fresh.conversationId];
  if ((await db.readMeta('backupCursor')) === undefined) return { ...told };
  const cursor = Math.max(fresh.joinedSeq, fresh.lastSeq - recentMessages);
  const gap = { after: fresh.joinedSeq, upTo: cursor };
  // A key that an earlier self of this device had shared may not have left it.
  return { ...told, cursor, gaps: gap.after < gap.upTo ? [gap] : [], mustRotate: true };
}

function emptyConversation(now: number) {
  return {
    title: null,
    titleSeq: 0,
    readSeq: 0,
    unread: 0,
    marks: {},
    preview: null,
    draft: '',
    mustRotate: false,
    sortAt: now,
  };
}

/** Whose devices get the key of what is said in a conversation. */
export function recipients(conversation: ConversationRow): string[] {
  return conversation.members
    .filter((member) => member.state === 'active' || member.state === 'requested')
    .map((member) => member.userId);
}
