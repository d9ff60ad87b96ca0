import type { ConversationRow } from './db';

export interface ReadingHint {
  conversationId: string;
  seq: number;
}

/** Of the BroadcastChannel that carries them from pages to the engine. */
export const readingChannel = 'aparte-reading';
/** Of the one that carries them from the engine to pages. */
export const readElsewhereChannel = 'aparte-read-elsewhere';

/**
 * Tells the engine, in whichever tab it runs, what a person has just read. A hint: the page stores it too, and what the
 * database says counts. But the page is busy drawing then, and each answer of the database waits for that.
 */
export function hintReading(reading: ReadingHint): void {
  hint(readingChannel, reading);
}

/**
 * Tells all pages what was just read on another device of the account. A hint again: it is being stored, and lists
 * show it when they have read their rows anew; that takes longer than to take a badge away.
 */
export function hintReadElsewhere(reading: ReadingHint): void {
  hint(readElsewhereChannel, reading);
}

function hint(name: string, reading: ReadingHint): void {
  const channel = new BroadcastChannel(name);
  channel.postMessage(reading);
  channel.close();
}

/**
 * Rows as they will be once what was read elsewhere is stored, as far as that is certain: who has read all has nothing
 * unread. What has come since is counted by the row.
 * @returns the very rows if none is another
 * @param read how far each conversation was read, by id
 */
export function asReadElsewhere(
  rows: ConversationRow[],
  read: ReadonlyMap<string, number>,
): ConversationRow[] {
  const then = rows.map((row) => {
    const upTo = read.get(row.conversationId);
    const all = upTo !== undefined && upTo >= row.lastSeq && upTo >= row.cursor;
    return all && row.unread > 0 ? { ...row, unread: 0 } : row;
  });
  return then.some((row, index) => row !== rows[index]) ? then : rows;
}
