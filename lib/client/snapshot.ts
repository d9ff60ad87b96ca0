import * as z from 'zod';
import { id } from '../protocol/ids';
import { revocation } from '../protocol/keys';
import { limits } from '../protocol/limits';
import type { AparteDb } from './db';
import { pickIdentity, presenceOf, takePresence, toldAlertRule, toldIdentity, toldPresence } from './notes';

/** More than this is not worth the wait: the history tells the rest. */
const most = 1_000;

/** In UTF-16 units; a list shows one line. */
const previewMaxLength = 200;

const conversation = z.object({
  conversationId: id,
  title: z.string().max(limits.titleMaxLength).nullable(),
  titleSeq: z.int().min(0),
  readSeq: z.int().min(0),
  draft: z.string().max(limits.textMaxLength),
  draftAt: z.string().max(80),
  sortAt: z.number(),
  alertRule: toldAlertRule.optional(),
  /** The last message, so that the list can be read before any message is. */
  preview: z
    .object({
      messageId: id,
      seq: z.int().min(0),
      senderId: id,
      kind: z.enum(['text', 'group', 'sealed', 'invalid']),
      text: z.string().max(previewMaxLength),
      picture: z.literal(true).optional(),
      at: z.number(),
    })
    .nullable()
    .default(null),
});

/**
 * What a new device cannot learn from the server, or not before it has read all history: names, titles, drafts, how far
 * one has read, and who is believed.
 */
const snapshot = z.object({
  v: z.literal(1),
  name: z.string().max(limits.nameMaxLength),
  people: z
    .array(z.object({ userId: id, handle: z.string(), name: z.string().nullable(), nameAt: z.number() }))
    .max(most),
  conversations: z.array(conversation).max(most),
  /** Not in those of earlier versions. */
  presence: toldPresence.optional(),
  identities: z.array(toldIdentity).max(most),
  revocations: z.array(revocation.extend({ userId: id })).max(most),
});

/** @returns JSON; the same as long as nothing of it has changed */
export async function snapshotOf(db: AparteDb, name: string): Promise<string> {
  const people = await db.people.limit(most).toArray();
  const conversations = await db.conversations.orderBy('sortAt').reverse().limit(most).toArray();
  const made: z.infer<typeof snapshot> = {
    v: 1,
    name,
    people: people.map(({ userId, handle, name: called, nameAt }) => ({
      userId,
      handle,
      name: called,
      nameAt,
    })),
    conversations: conversations.map(
      ({ conversationId, title, titleSeq, readSeq, draft, draftAt, sortAt, alertRule, preview }) => ({
        conversationId,
        title,
        titleSeq,
        readSeq,
        draft,
        draftAt: draftAt ?? '',
        sortAt,
        ...(alertRule ? { alertRule } : {}),
        preview: preview && { ...preview, text: preview.text.slice(0, previewMaxLength) },
      }),
    ),
    presence: await presenceOf(db),
    identities: (await db.identities.limit(most).toArray()).map(pickIdentity),
    revocations: await db.revocations.limit(most).toArray(),
  };
  return JSON.stringify(made);
}

/**
 * Takes over what the account knows, on a device that has just joined it. Of conversations it is kept until the server
 * has told them itself.
 * @param text `null`: nothing is known
 * @returns the name of the account's owner, if it is known
 */
export async function takeSnapshot(db: AparteDb, text: string | null): Promise<string | null> {
  const parsed = snapshot.safeParse(text === null ? null : JSON.parse(text));
  const empty = {
    people: [],
    conversations: [],
    identities: [],
    revocations: [],
    name: null,
    presence: undefined,
  };
  const { people, conversations, identities, revocations, name, presence } = parsed.success
    ? parsed.data
    : empty;
  await db.transaction('rw', db.people, db.identities, db.revocations, db.meta, async () => {
    await db.people.bulkPut(people);
    await db.identities.bulkPut(identities.map((known) => ({ ...known, changedTo: null })));
    await db.revocations.bulkPut(revocations);
    const known = Object.fromEntries(conversations.map((row) => [row.conversationId, row]));
    await db.writeMeta('arriving', { conversations: known });
    if (presence) await takePresence(db, presence);
    await db.writeMeta('backupCursor', 0);
    await db.writeMeta('marksOwed', true);
  });
  return name;
}
