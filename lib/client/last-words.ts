import { fromBase64, toBase64 } from '../protocol/base64';
import { editMessage } from './change-intents';
import type { AparteDb } from './db';
import { type Author, saveDraft, sendText } from './intents';
import { RowCipher } from './row-cipher';

/** Words that a page has not stored yet when it goes: sent, put in the place of others, or merely typed. */
export type Words = Said | Typed;

export type Said = { conversationId: string; messageId: string; body: string } & (
  | { kind: 'text'; replyTo: string | null }
  /** `over`: what stood there. */
  | { kind: 'edit'; over: string }
);

export interface Typed {
  kind: 'draft';
  conversationId: string;
  draft: string;
  /** The drafts that the page knows of: the last that is certainly stored, and those on their way. */
  over: string[];
}

/**
 * Where they wait: a page that goes can wait for no database, whose transactions end with it and stand in line behind
 * those of others. `localStorage` in a browser.
 */
export type Shelf = Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem' | 'removeItem'>;

interface Left {
  at: number;
  words: Words[];
}

const prefix = 'aparte-last-words ';
const keyBytes = 32;

/** What seals them. Its key lies in the database and goes with all else there, also where no page is open. */
export async function wordsCipher(db: AparteDb): Promise<RowCipher> {
  return db.transaction('rw', db.meta, async () => {
    const known = await db.readMeta('lastWordsKey');
    if (known) return new RowCipher(fromBase64(known));
    const key = crypto.getRandomValues(new Uint8Array(keyBytes));
    await db.writeMeta('lastWordsKey', toBase64(key));
    return new RowCipher(key);
  });
}

/** Of a page that is going. What was sent is left before what was typed: there may be room for the first only. */
export function leaveWords({ now, newId }: Author, cipher: RowCipher, shelf: Shelf, words: Words[]): void {
  for (const part of [words.filter(({ kind }) => kind !== 'draft'), onePerConversation(words)]) {
    if (part.length === 0) continue;
    const name = prefix + newId();
    const left: Left = { at: now(), words: part };
    shelf.setItem(name, toBase64(cipher.seal(name, JSON.stringify(left))));
  }
}

/** The last draft of each; it replaces whatever the earlier ones would have. */
function onePerConversation(words: Words[]): Typed[] {
  const last = new Map<string, Typed>();
  for (const typed of words)
    if (typed.kind === 'draft') {
      const before = last.get(typed.conversationId);
      const over = before ? [...before.over, before.draft, ...typed.over] : typed.over;
      last.set(typed.conversationId, { ...typed, over });
    }
  return [...last.values()];
}

/** Does what pages that are gone could not; one at a time. What they have stored after all is not done twice. */
export async function takeWords(author: Author, cipher: RowCipher, shelf: Shelf): Promise<void> {
  const names = Array.from({ length: shelf.length }, (_, at) => shelf.key(at) ?? '');
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    const left = read(cipher, name, shelf.getItem(name));
    for (const words of left?.words ?? []) await take(author, words, left?.at ?? 0);
    shelf.removeItem(name);
  }
}

/** @returns nothing where another page was faster, or the key is gone */
function read(cipher: RowCipher, name: string, sealed: string | null): Left | null {
  if (sealed === null) return null;
  try {
    return JSON.parse(cipher.open(name, fromBase64(sealed)));
  } catch {
    return null;
  }
}

async function take(author: Author, words: Words, at: number): Promise<void> {
  const { db } = author;
  const { conversationId } = words;
  const tables = [db.messages, db.outbox, db.conversations, db.tellings, db.meta];
  await db.transaction('rw', tables, async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation) return;
    if (words.kind === 'text') {
      const { messageId, body, replyTo } = words;
      await sendText(author, conversationId, body, replyTo, messageId);
    } else if (words.kind === 'edit') {
      const message = await db.messages.get(words.messageId);
      if (message?.body === words.over) await editMessage(author, message, words.body);
    } else {
      const { draft, over } = words;
      const there = conversation.draft;
      // Another tab or device wrote meanwhile: neither is lost.
      const beside = over.includes(there) ? '' : there;
      const isThere = there === draft || beside.endsWith(`\n${draft}`);
      // By the time of writing: what another device has drafted since, and this one has not heard of, stands.
      const then = { ...author, now: () => at };
      if (!isThere) await saveDraft(then, conversationId, [beside, draft].filter(Boolean).join('\n'));
    }
  });
}
