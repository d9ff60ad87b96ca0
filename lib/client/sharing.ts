import { limits } from '../protocol/limits';
import type { AparteDb } from './db';
import { type Author, saveDraft } from './intents';
import { dropWaiting, type PreparedPicture, putBeside, shareBox, waitingPictures } from './picture-rows';

/** What another app has shared waits so long for its conversation; then it is old. */
const waitsForMs = 24 * 3_600_000;

/**
 * Keeps what another app has shared until a person has said for which conversation it is, in place of what was shared
 * before.
 * @param parts title, text and address, in this order; apps often say one thing in two of them
 * @param left how many files were not taken
 */
export async function keepShared(
  author: Author,
  parts: string[],
  pictures: PreparedPicture[] = [],
  left = 0,
): Promise<void> {
  const { db, now } = author;
  const text = sharedText(parts);
  if (!text && pictures.length + left === 0) return;
  await db.transaction('rw', db.meta, db.pictures, async () => {
    await dropWaiting(db, shareBox);
    await db.writeMeta('shared', { text, at: now(), left });
    for (const picture of pictures) await putBeside(author, shareBox, picture);
  });
}

export function sharedText(parts: string[]): string {
  const said = parts.map((part) => part.trim()).filter(Boolean);
  const fresh = said.filter(
    (part, place) => !said.some((other, at) => at !== place && covers(other, part, at, place)),
  );
  return fresh.join('\n').slice(0, limits.textMaxLength);
}

/** Of two that are the same the first one stays. */
const covers = (other: string, part: string, otherPlace: number, place: number): boolean =>
  other === part ? otherPlace < place : other.includes(part);

/** Its pictures wait in the share box. `null`: nothing waits. */
export async function shared(db: AparteDb, now: number): Promise<{ text: string; left: number } | null> {
  const waiting = await db.readMeta('shared');
  return waiting && now - waiting.at < waitsForMs ? { text: waiting.text, left: waiting.left ?? 0 } : null;
}

/**
 * What was shared becomes the draft of a conversation, after what stands there already, and its pictures wait beside
 * that: its writer sends them.
 */
export async function shareInto(author: Author, conversationId: string): Promise<void> {
  const { db } = author;
  const tables = [db.conversations, db.meta, db.tellings, db.pictures];
  await db.transaction('rw', tables, async () => {
    const waiting = await db.readMeta('shared');
    const conversation = await db.conversations.get(conversationId);
    if (!waiting || !conversation) return;
    const draft = [conversation.draft, waiting.text]
      .filter(Boolean)
      .join('\n')
      .slice(0, limits.textMaxLength);
    await saveDraft(author, conversationId, draft);
    for (const picture of await waitingPictures(db, shareBox))
      await putBeside(author, conversationId, picture);
    await forgetShared(author);
  });
}

export async function forgetShared({ db }: Author): Promise<void> {
  await db.transaction('rw', db.meta, db.pictures, async () => {
    await dropWaiting(db, shareBox);
    await db.meta.delete('shared');
  });
}
