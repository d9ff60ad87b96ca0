import type { DBCore, DBCoreCursor, DBCoreTable, Middleware } from 'dexie';
import { type RowCipher, RowRefused } from './row-cipher';

/** What lies in the database: the fields that keys and indexes need, and all others as one sealed field. */
const sealedField = 'sealed$';
type Row = Record<string, unknown>;

/** Lists: a thousand rows are read for each that changes, and decrypting them is most of it. */
const readWhole = new Set(['conversations', 'people']);
const knownBound = 5_000;

/**
 * Encrypts the content of every row on its way into IndexedDB and decrypts it on its way out. Nearer to the database
 * than all of Dexie's own layers, which therefore see, compare and watch rows as they are meant.
 *
 * @param cipher is asked for each row: it throws as long as there is no key
 */
export const sealedRows = (cipher: () => RowCipher): Middleware<DBCore> => ({
  stack: 'dbcore',
  name: 'sealedRows',
  level: -2,
  create: (core) => ({ ...core, table: (name) => sealedTable(core.table(name), cipher) }),
});

function sealedTable(table: DBCoreTable, cipher: () => RowCipher): DBCoreTable {
  const { seal, open, clear } = rowsOf(table, cipher);
  const readAll = (rows: unknown[]) => rows.map((row) => (row === undefined ? undefined : open(row)));
  // Promises are Dexie's own and followed by `then`: after a native `await` it would not know its transaction any more.
  return {
    ...table,
    mutate: (request) => {
      if (request.type !== 'add' && request.type !== 'put') return table.mutate(request);
      const { type, trans, values } = request;
      const keyPath = table.schema.primaryKey.keyPath;
      const numbered =
        typeof keyPath === 'string' && values.every((value: Row) => value[keyPath] !== undefined);
      if (numbered || typeof keyPath !== 'string')
        return table.mutate({ type, trans, values: values.map(seal) });
      // The number is part of what a row is bound to, and the database gives it: number first, then seal.
      return table.mutate({ type: 'add', trans, values: values.map(clear) }).then((added) => {
        if (added.numFailures > 0) return added;
        const whole = values.map((value: Row, index) => ({ ...value, [keyPath]: added.results?.[index] }));
        return table.mutate({ type: 'put', trans, values: whole.map(seal) }).then(() => added);
      });
    },
    get: (request) => table.get(request).then((row: unknown) => (row === undefined ? undefined : open(row))),
    getMany: (request) => table.getMany(request).then(readAll),
    query: (request) =>
      table
        .query(request)
        .then((response) =>
          request.values === true ? { ...response, result: readAll(response.result) } : response,
        ),
    openCursor: (request) =>
      table
        .openCursor(request)
        .then((cursor) => (cursor && request.values === true ? openCursor(cursor, open) : cursor)),
  };
}

function openCursor(cursor: DBCoreCursor, open: (row: unknown) => Row): DBCoreCursor {
  return Object.create(cursor, {
    key: { get: () => cursor.key },
    primaryKey: { get: () => cursor.primaryKey },
    value: { get: () => open(cursor.value) },
    continue: { value: (key?: unknown) => cursor.continue(key) },
    continuePrimaryKey: {
      value: (key: unknown, primaryKey: unknown) => cursor.continuePrimaryKey(key, primaryKey),
    },
    advance: { value: (count: number) => cursor.advance(count) },
  });
}

function rowsOf(table: DBCoreTable, cipher: () => RowCipher) {
  const { primaryKey, indexes } = table.schema;
  const clearFields = [...new Set([primaryKey, ...indexes].flatMap(({ keyPath }) => keyPath ?? []))].sort();
  const isClear = new Set(clearFields);
  const nameOf = (row: Row) => JSON.stringify([table.name, clearFields.map((field) => row[field] ?? null)]);

  /** @returns the fields that stand in the clear, or the others */
  const part = (row: Row, clear: boolean): Row =>
    Object.fromEntries(Object.entries(row).filter(([field]) => isClear.has(field) === clear));

  /** Of tables that screens read as a whole whenever one row of them changes: what was decrypted, by name. */
  const known = readWhole.has(table.name) ? new Map<string, { sealed: Uint8Array; content: string }>() : null;

  function content(name: string, sealed: Uint8Array): string {
    const before = known?.get(name);
    if (before && sameBytes(before.sealed, sealed)) return before.content;
    const opened = cipher().open(name, sealed);
    if (known && known.size >= knownBound) known.clear();
    known?.set(name, { sealed, content: opened });
    return opened;
  }

  return {
    clear: (row: Row) => part(row, true),
    seal: (row: Row): Row => ({
      ...part(row, true),
      [sealedField]: cipher().seal(nameOf(row), JSON.stringify(part(row, false))),
    }),
    open(row: unknown): Row {
      if (!isRow(row)) throw new RowRefused('a row has no sealed content');
      const { [sealedField]: sealed, ...clear } = row;
      return { ...clear, ...JSON.parse(content(nameOf(clear), sealed)) };
    },
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

function isRow(row: unknown): row is Row & { [sealedField]: Uint8Array } {
  return (
    typeof row === 'object' && row !== null && sealedField in row && row[sealedField] instanceof Uint8Array
  );
}
