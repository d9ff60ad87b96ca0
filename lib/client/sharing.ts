import { limits } from '../protocol/limits';
import type { AparteDb } from './db';
import { type Author, saveDraft } from './intents';

/** What another app has shared waits so long for its conversation; then it is old. */
const waitsForMs = 24 * 3_600_000;

/**
 * Keeps what another app has shared until a person has said for which conversation it is.
 * @param parts title, text and address, in this order; apps often say one thing in two of them
 */
export async function keepShared(db: AparteDb, parts: string[], at: number): Promise<void> {
  const text = sharedText(parts);
  if (text) await db.writeMeta('shared', { text, at });
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

/** `null`: nothing waits. */
export async function shared(db: AparteDb, now: number): Promise<string | null> {
  const waiting = await db.readMeta('shared');
  return waiting && now - waiting.at < waitsForMs ? waiting.text : null;
}

/** What was shared becomes the draft of a conversation, after what stands there already: its writer sends it. */
export async function shareInto(author: Author, conversationId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.meta, db.tellings, async () => {
    const waiting = await db.readMeta('shared');
    const conversation = await db.conversations.get(conversationId);
    if (!waiting || !conversation) return;
    const draft = [conversation.draft, waiting.text]
      .filter(Boolean)
      .join('\n')
      .slice(0, limits.textMaxLength);
    await saveDraft(author, conversationId, draft);
    await db.meta.delete('shared');
  });
}

export async function forgetShared({ db }: Author): Promise<void> {
  await db.meta.delete('shared');
}
