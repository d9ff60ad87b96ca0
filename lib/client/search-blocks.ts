import type { DBCore, DBCoreTable, Middleware } from 'dexie';
import { type AparteDb, type MessageRow, pendingOrder, type SearchBlockRow } from './db';
import { fold } from './fold';

/**
 * What is searched is kept beside the messages, in blocks: the folded texts of so many consecutive numbers of one
 * conversation. A block says nothing that the messages do not; whatever happened to one of them, it is made anew from
 * all of them.
 */
const blockSize = 128;
/** What has no number yet stands in one block of its own. */
const pendingBlock = -1;
/** Blocks that are made in one transaction, which holds up those who write messages meanwhile. */
const blocksAtOnce = 8;

interface BlockKey {
  conversationId: string;
  block: number;
}

const blockOf = (order: number): number =>
  order >= pendingOrder ? pendingBlock : Math.floor(order / blockSize);

/**
 * Notes, in the very transaction that changes messages, which blocks are to be made anew: whoever writes them, and
 * whatever ends right after, none is forgotten.
 */
export const notesBlocks = (): Middleware<DBCore> => ({
  stack: 'dbcore',
  name: 'notesBlocks',
  // Above Dexie's watching: that a block is noted is news.
  level: 3,
  create: (core) => ({
    ...core,
    transaction: (stores, mode, options) =>
      core.transaction(
        mode === 'readwrite' && stores.includes('messages') && !stores.includes('searchDirty')
          ? [...stores, 'searchDirty']
          : stores,
        mode,
        options,
      ),
    table: (name) =>
      name === 'messages' ? notingTable(core.table(name), core.table('searchDirty')) : core.table(name),
  }),
});

function notingTable(messages: DBCoreTable, dirty: DBCoreTable): DBCoreTable {
  return {
    ...messages,
    mutate: (request) => {
      const { trans } = request;
      const note = (rows: readonly (MessageRow | undefined)[]) => {
        const values = blocksOf(rows);
        return values.length > 0 ? dirty.mutate({ type: 'put', trans, values }) : null;
      };
      // Only all rows are ever deleted as a range, together with what is searched.
      if (request.type === 'deleteRange') return messages.mutate(request);
      if (request.type === 'delete')
        return messages
          .getMany({ trans, keys: request.keys })
          .then((rows) => messages.mutate(request).then((done) => note(rows)?.then(() => done) ?? done));
      return messages.mutate(request).then((done) => note(request.values)?.then(() => done) ?? done);
    },
  };
}

function blocksOf(rows: readonly (MessageRow | undefined)[]): BlockKey[] {
  const blocks = new Map<string, BlockKey>();
  for (const row of rows) {
    if (!row) continue;
    const touched = [blockOf(row.order)];
    // It may just have got its number: until then it stood with those that have none.
    if (row.status === 'sent') touched.push(pendingBlock);
    for (const block of touched)
      blocks.set(`${block} ${row.conversationId}`, { conversationId: row.conversationId, block });
  }
  return [...blocks.values()];
}

/** Makes noted blocks anew. @returns whether more are left */
export async function makeBlocks(db: AparteDb): Promise<boolean> {
  return db.transaction('rw', db.messages, db.searchBlocks, db.searchDirty, async () => {
    const dirty = await db.searchDirty.limit(blocksAtOnce).toArray();
    if (dirty.length === 0) return false;
    const [last] = await db.searchBlocks.orderBy('stamp').reverse().limit(1).keys();
    const rows: SearchBlockRow[] = [];
    for (const key of dirty) rows.push(await makeBlock(db, key, Number(last ?? 0) + 1));
    await db.searchBlocks.bulkPut(rows);
    await db.searchDirty.bulkDelete(dirty.map(({ conversationId, block }) => [conversationId, block]));
    return dirty.length === blocksAtOnce;
  });
}

async function makeBlock(
  db: AparteDb,
  { conversationId, block }: BlockKey,
  stamp: number,
): Promise<SearchBlockRow> {
  const [from, until] =
    block === pendingBlock
      ? [pendingOrder, Number.POSITIVE_INFINITY]
      : [block * blockSize, (block + 1) * blockSize];
  const messages = await db.messages
    .where('[conversationId+order]')
    .between([conversationId, from], [conversationId, until], true, false)
    .toArray();
  const said = messages.filter(({ kind, deleted, body }) => kind === 'text' && !deleted && body !== '');
  return {
    conversationId,
    block,
    stamp,
    orders: said.map((message) => message.order),
    ats: said.map((message) => message.at),
    // One line each: a line break within is none that counts.
    texts: said.map((message) => fold(message.body).replace(/\s/g, ' ')).join('\n'),
  };
}
