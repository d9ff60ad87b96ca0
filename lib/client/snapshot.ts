import { z } from 'zod';
import { id } from '../protocol/ids';
import { limits } from '../protocol/limits';
import type { AparteDb } from './db';

/** More than this is not worth the wait: the history tells the rest. */
const most = 1_000;

/** What a new device cannot learn before it has read all history: names, titles, drafts, and how far one has read. */
export const snapshot = z.object({
  people: z
    .array(z.object({ userId: id, handle: z.string(), name: z.string().nullable(), nameAt: z.number() }))
    .max(most),
  conversations: z
    .array(
      z.object({
        conversationId: id,
        title: z.string().max(limits.titleMaxLength).nullable(),
        titleSeq: z.int().min(0),
        readSeq: z.int().min(0),
        draft: z.string().max(limits.textMaxLength),
        draftAt: z.string().max(80).optional(),
        sortAt: z.number(),
      }),
    )
    .max(most),
});
export type Snapshot = z.infer<typeof snapshot>;

export async function snapshotOf(db: AparteDb): Promise<Snapshot> {
  const people = await db.people.limit(most).toArray();
  const conversations = await db.conversations.orderBy('sortAt').reverse().limit(most).toArray();
  return {
    people: people.map(({ userId, handle, name, nameAt }) => ({ userId, handle, name, nameAt })),
    conversations: conversations.map(
      ({ conversationId, title, titleSeq, readSeq, draft, draftAt, sortAt }) => ({
        conversationId,
        title,
        titleSeq,
        readSeq,
        draft,
        ...(draftAt === undefined ? {} : { draftAt }),
        sortAt,
      }),
    ),
  };
}

/** Kept until the server has told the conversations themselves. */
export async function takeSnapshot(db: AparteDb, { people, conversations }: Snapshot): Promise<void> {
  await db.transaction('rw', db.people, db.meta, async () => {
    await db.people.bulkPut(people);
    const known = Object.fromEntries(
      conversations.map(({ draftAt, ...row }) => [
        row.conversationId,
        { ...row, ...(draftAt === undefined ? {} : { draftAt }) },
      ]),
    );
    await db.writeMeta('arriving', { conversations: known });
    await db.writeMeta('backupCursor', 0);
  });
}
