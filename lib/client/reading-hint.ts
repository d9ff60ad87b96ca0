import type { ConversationRow } from './db';

export interface ReadingHint {
  conversationId: string;
  seq: number;
}

/** Of the BroadcastChannel that carries them to the engine from tabs whose worker is not the one. */
export const readingChannel = 'aparte-reading';
/** Of the one that carries `ReadElsewhere` from the engine to all tabs; its own hears it sooner from its worker. */
export const readElsewhereChannel = 'aparte-read-elsewhere';

/** What was read on another device of the account, on its way from the engine to the pages. */
export interface ReadElsewhere {
  readElsewhere: ReadingHint;
}

/**
 * Rows as they will be once what was read elsewhere is stored, as far as that is certain: who has read all has nothing
 * unread. What has come since is counted by the row.
 * @returns the very rows if none is another
 * @param read how far each conversation was read, by id
 */
export function asRead(rows: ConversationRow[], read: ReadonlyMap<string, number>): ConversationRow[] {
  const then = rows.map((row) => {
    const upTo = read.get(row.conversationId);
    const all = upTo !== undefined && upTo >= row.lastSeq && upTo >= row.cursor;
    return all && row.unread > 0 ? { ...row, unread: 0 } : row;
  });
  return then.some((row, index) => row !== rows[index]) ? then : rows;
}
