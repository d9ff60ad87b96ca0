import type { AparteDb, MessageRow, SearchBlockRow } from './db';
import { type Excerpt, excerptOf, findWord, wordsOf } from './fold';

/** A message in which all words of a search begin a word. */
export interface SearchHit extends Excerpt {
  conversationId: string;
  messageId: string;
  order: number;
  senderId: string;
  at: number;
}

export interface SearchQuery {
  text: string;
  /** `null`: in all of them. */
  conversationId: string | null;
  limit: number;
  /** The newest stamp of what can be found, as the asker knows it: what was read up to there need not be read again. */
  stamp?: number | undefined;
}

interface Block extends Pick<SearchBlockRow, 'conversationId' | 'orders' | 'ats' | 'texts'> {
  /** Time of its newest message. */
  newestAt: number;
}

interface Found {
  block: Block;
  index: number;
  at: number;
}

/**
 * All texts of the device, folded, in memory: 100,000 messages take some ten megabytes, and reading through them all
 * takes less time than any index of words would be worth. Blocks are read newest first, and no further than needed.
 */
export class SearchIndex {
  readonly #blocks = new Map<string, Block>();
  /** Newest first; `null` after a change. */
  #sorted: Block[] | null = null;
  #stamp = 0;

  constructor(private readonly db: AparteDb) {}

  /** Reads what has been made anew since the last time; all, the first time. */
  async refresh(): Promise<void> {
    const rows = await this.db.searchBlocks.where('stamp').above(this.#stamp).toArray();
    for (const row of rows) {
      const key = `${row.block} ${row.conversationId}`;
      const newestAt = row.ats.reduce((latest, at) => Math.max(latest, at), 0);
      if (row.orders.length === 0) this.#blocks.delete(key);
      else this.#blocks.set(key, { ...row, newestAt });
      this.#stamp = Math.max(this.#stamp, row.stamp);
      this.#sorted = null;
    }
  }

  /** @returns the newest first */
  async find(query: SearchQuery): Promise<SearchHit[]> {
    if (query.stamp === undefined || query.stamp > this.#stamp) await this.refresh();
    const words = wordsOf(query.text);
    const found = this.#find(words, query);
    if (found.length === 0) return [];
    const { messages } = this.db;
    // In one transaction: one of its own for each costs more than the reading.
    const rows = await this.db.transaction('r', messages, () =>
      Promise.all(
        found.map(({ block, index }) =>
          messages
            .where('[conversationId+order]')
            .equals([block.conversationId, block.orders[index] ?? 0])
            .first(),
        ),
      ),
    );
    return rows.flatMap((row) => hitOf(row, words) ?? []);
  }

  #find(words: string[], { conversationId, limit }: SearchQuery): Found[] {
    const [word, ...others] = words;
    if (word === undefined) return [];
    let found: Found[] = [];
    /** What is older than this is not among the newest found. */
    let oldest = 0;
    for (const block of this.#newestFirst()) {
      if (block.newestAt < oldest) break;
      if (conversationId !== null && block.conversationId !== conversationId) continue;
      const before = found.length;
      findIn(block, word, others, oldest, found);
      if (found.length === before || found.length < limit) continue;
      found = found.sort((a, b) => b.at - a.at).slice(0, limit);
      oldest = found.at(-1)?.at ?? 0;
    }
    return found.sort((a, b) => b.at - a.at);
  }

  #newestFirst(): Block[] {
    this.#sorted ??= [...this.#blocks.values()].sort((a, b) => b.newestAt - a.newestAt);
    return this.#sorted;
  }
}

function findIn(block: Block, word: string, others: string[], oldest: number, found: Found[]): void {
  const { texts, ats } = block;
  let index = 0;
  let line = 0;
  for (let place = findWord(texts, word); place >= 0; ) {
    // Which message it is in: lines are passed one by one, once for the whole block.
    let end = texts.indexOf('\n', line);
    while (end >= 0 && end < place) {
      line = end + 1;
      index += 1;
      end = texts.indexOf('\n', line);
    }
    const until = end < 0 ? texts.length : end;
    const at = ats[index] ?? 0;
    if (at >= oldest && others.every((other) => findWord(texts, other, line, until) >= 0))
      found.push({ block, index, at });
    if (end < 0) return;
    place = findWord(texts, word, end + 1);
  }
}

/** A block may be a moment behind: what is shown is what the message says now. */
function hitOf(row: MessageRow | undefined, words: string[]): SearchHit | null {
  const excerpt = row && !row.deleted ? excerptOf(row.body, words) : null;
  if (!row || !excerpt) return null;
  const { conversationId, id, order, senderId, at } = row;
  return { ...excerpt, conversationId, messageId: id, order, senderId, at };
}
