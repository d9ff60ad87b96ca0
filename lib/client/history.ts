import { limits } from '../protocol/limits';
import type { Inbox } from './inbox';
import type { Work } from './work';

/** A device that joins later begins with this many messages of each conversation; the rest comes after. */
export const recentMessages = 40;

/** What others had read before this device joined: the marks came before the key backup was read, and stayed closed. */
export async function fillMarks(work: Work, inbox: Inbox): Promise<void> {
  const { db, api } = work.environment;
  if (!(await db.readMeta('marksOwed')) || !work.online()) return;
  const { marks } = await api.sync.state.query({ marksSince: 0 });
  for (const mark of marks) await inbox.takeMark(mark);
  await db.meta.delete('marksOwed');
}

/**
 * Fetches what was said before this device joined: page by page, newest first, the conversations that were active
 * last before the others. Ends where it was left off, however often it is interrupted.
 */
export async function fillHistory(work: Work, inbox: Inbox): Promise<void> {
  const { db, api } = work.environment;
  for (;;) {
    const rows = await db.conversations.orderBy('sortAt').reverse().toArray();
    const open = rows.filter((row) => (row.historySeq ?? 0) > row.joinedSeq);
    const left = open.reduce((sum, row) => sum + (row.historySeq ?? 0) - row.joinedSeq, 0);
    const total = Math.max((await db.readMeta('history'))?.total ?? 0, left);
    await db.writeMeta('history', { left, total: left === 0 ? 0 : total });
    const [row] = open;
    if (!row || !work.online()) return;
    const until = row.historySeq ?? 0;
    const after = Math.max(row.joinedSeq, until - limits.pullPageSize);
    const { conversationId } = row;
    const { messages } = await api.messages.pull.query({ conversationId, after, limit: until - after });
    await inbox.takeHistory(conversationId, messages, after);
  }
}
