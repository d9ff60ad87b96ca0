import type { Role } from '../protocol/conversations';
import { type Author, enqueue, rememberPerson, say } from './intents';

export async function setTitle(author: Author, conversationId: string, title: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta], async () => {
    const before = (await db.conversations.get(conversationId))?.title ?? null;
    await db.conversations.update(conversationId, { title });
    const notice = { kind: 'group' as const, title, added: [], removed: [] };
    const nothing = { body: '', deleted: false, editSeq: 0, reactions: {}, title: before };
    await say(author, conversationId, notice, { before: nothing });
  });
}

/** Adds people, then tells the group so, the title with it for those who are new. */
export async function addMembers(
  author: Author,
  conversationId: string,
  people: { userId: string; handle: string }[],
): Promise<void> {
  const { db } = author;
  const userIds = people.map((person) => person.userId);
  await db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta, db.people], async () => {
    for (const person of people) await rememberPerson(db, person);
    const conversation = await db.conversations.get(conversationId);
    const noticeId = author.newId();
    await enqueue(author, conversationId, { kind: 'add', userIds, noticeId });
    const title = conversation?.title ?? null;
    await say(
      author,
      conversationId,
      { kind: 'group', title, added: userIds, removed: [] },
      { messageId: noticeId },
    );
  });
}

export async function removeMember(author: Author, conversationId: string, userId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta], async () => {
    const noticeId = author.newId();
    await enqueue(author, conversationId, { kind: 'remove', userId, noticeId });
    const notice = { kind: 'group' as const, title: null, added: [], removed: [userId] };
    await say(author, conversationId, notice, { messageId: noticeId });
  });
}

export async function setRole(
  author: Author,
  conversationId: string,
  userId: string,
  role: Role,
): Promise<void> {
  await enqueue(author, conversationId, { kind: 'role', userId, role });
}

export async function leave(author: Author, conversationId: string): Promise<void> {
  await enqueue(author, conversationId, { kind: 'leave' });
}
