import { editMessage } from './change-intents';
import type { AparteDb } from './db';
import { type Author, saveDraft, sayOnce } from './intents';

/** Words that a page has not stored yet when it goes: sent, put in the place of others, or merely typed. */
export type Words = { conversationId: string } & (
  | { kind: 'text'; messageId: string; body: string; replyTo: string | null }
  | { kind: 'edit'; messageId: string; body: string }
  /** `over`: the drafts that the page knows of. */
  | { kind: 'draft'; draft: string; over: string[] }
);

/**
 * Where they wait: a page that goes can wait for no database, whose transactions end with it and stand in line behind
 * those of others. `localStorage` in a browser.
 */
export type Shelf = Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem' | 'removeItem'>;

const prefix = 'aparte-last-words ';

/** Of a page that is going. They are sealed as the rows of the database are. */
export function leaveWords({ db, newId }: Author, shelf: Shelf, words: Words[]): void {
  if (words.length === 0) return;
  const name = prefix + newId();
  const sealed = db.cipher.seal(name, JSON.stringify(words));
  shelf.setItem(name, btoa(Array.from(sealed, (byte) => String.fromCharCode(byte)).join('')));
}

/** Does what pages that are gone could not. What they have stored after all is not done twice. */
export async function takeWords(author: Author, shelf: Shelf): Promise<void> {
  for (const name of left(shelf)) {
    for (const words of await read(author.db, name, shelf.getItem(name))) await take(author, words);
    shelf.removeItem(name);
  }
}

/** The device is nobody's any more. */
export function forgetWords(shelf: Shelf): void {
  for (const name of left(shelf)) shelf.removeItem(name);
}

const left = (shelf: Shelf): string[] =>
  Array.from({ length: shelf.length }, (_, at) => shelf.key(at) ?? '').filter((name) =>
    name.startsWith(prefix),
  );

/** @returns nothing where another page was faster, or what is there cannot be read: it never can */
async function read(db: AparteDb, name: string, sealed: string | null): Promise<Words[]> {
  // Opens the database, and with it the key.
  await db.open();
  try {
    const bytes = Uint8Array.from(atob(sealed ?? ''), (letter) => letter.charCodeAt(0));
    return JSON.parse(db.cipher.open(name, bytes));
  } catch {
    return [];
  }
}

async function take(author: Author, words: Words): Promise<void> {
  const { db } = author;
  const { conversationId } = words;
  const tables = [db.messages, db.outbox, db.conversations, db.tellings, db.meta];
  await db.transaction('rw', tables, async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation) return;
    if (words.kind === 'text') {
      const { messageId, body, replyTo } = words;
      await sayOnce(author, conversationId, { kind: 'text', body, replyTo }, messageId);
    } else if (words.kind === 'edit') {
      const message = await db.messages.get(words.messageId);
      if (message && message.body !== words.body) await editMessage(author, message, words.body);
    } else {
      const { draft, over } = words;
      // Another tab or device wrote meanwhile: neither is lost.
      const beside = [...over, draft].includes(conversation.draft) ? '' : conversation.draft;
      await saveDraft(author, conversationId, [beside, draft].filter(Boolean).join('\n'));
    }
  });
}
