import { limits } from '../protocol/limits';
import { askAhead } from './ask-ahead';
import type { Environment } from './environment';
import { missingIn, pagesOf } from './gaps';
import type { Inbox } from './inbox';
import { pullRange } from './pull-range';
import type { Work } from './work';

/** A device that joins later, or comes back late, begins with this many messages of each conversation. */
export const recentMessages = 20;
/** After so many pages it is looked anew what is missing: newer gaps come before older ones. */
const pagesPerPlan = 20;
/** Of so many conversations a device that is linked is given the newest keys at once. */
const recentConversations = 50;

/** The newest messages of the conversations that were active last, as the server has them. */
export async function recentCiphertexts({ db, api }: Environment): Promise<string[]> {
  const rows = await db.conversations.orderBy('sortAt').reverse().limit(recentConversations).toArray();
  const ciphertexts: string[] = [];
  await askAhead(
    rows.filter((row) => row.rosterVersion > 0),
    {
      ask: ({ conversationId, cursor, joinedSeq }) =>
        api.messages.pull.query({
          conversationId,
          after: Math.max(joinedSeq, cursor - recentMessages),
          limit: limits.pullPageSize,
        }),
      // From the last on: should there be too many keys, the newest are among them.
      open: async (_, { messages }) => messages.reverse(),
      take: async (_, messages) => {
        for (const { ciphertext } of messages) ciphertexts.push(ciphertext);
      },
    },
  );
  return ciphertexts;
}

/** What others had read before this device joined: the marks came before the key backup was read, and stayed closed. */
export async function fillMarks(work: Work, inbox: Inbox): Promise<void> {
  const { db, api } = work.environment;
  if (!(await db.readMeta('marksOwed')) || !work.online()) return;
  const { marks } = await api.sync.state.query({ marksSince: 0 });
  await inbox.takeMarks(marks);
  await db.meta.delete('marksOwed');
}

/**
 * Fetches what is missing between what is here: from before this device joined, or from a long absence. Page by page,
 * newest first, the conversations that were active last before the others. Ends where it was left off, however often it
 * is interrupted.
 */
export async function fillHistory(work: Work, inbox: Inbox): Promise<void> {
  const { db, api } = work.environment;
  const tell = (left: number, total: number) =>
    db.writeMeta('history', { left, total: left === 0 ? 0 : total });
  for (;;) {
    const rows = await db.conversations.orderBy('sortAt').reverse().toArray();
    const open = rows.filter((row) => missingIn(row.gaps) > 0);
    let left = open.reduce((sum, row) => sum + missingIn(row.gaps), 0);
    const total = Math.max((await db.readMeta('history'))?.total ?? 0, left);
    await tell(left, total);
    if (left === 0 || !work.online()) return;
    await askAhead(pagesOf(open, limits.pullPageSize, pagesPerPlan), {
      ask: ({ row: { conversationId }, page: { after, upTo } }) =>
        pullRange(api, conversationId, after, upTo),
      open: (_, messages) => inbox.open(messages),
      take: async ({ row, page }, opened) => {
        await inbox.takeHistory(row.conversationId, opened, page);
        left -= page.upTo - page.after;
        await tell(left, total);
      },
    });
  }
}
