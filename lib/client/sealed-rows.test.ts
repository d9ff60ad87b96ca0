import { liveQuery } from 'dexie';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { messageRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { AparteDb, type MessageRow } from './db';

let databases = 0;
let name: string;
let db: AparteDb;
let raw: IDBDatabase;

beforeEach(async () => {
  name = `sealed-${databases++}`;
  db = new AparteDb(testKey, name);
  await db.open();
  raw = await answered(indexedDB.open(name));
});

afterEach(() => {
  raw.close();
  db.close();
});

const message = (id: string, order: number, body: string): MessageRow => messageRow(order, body, { id });

/** What lies in the database, past all of ours. */
const stored = (table: string): Promise<Record<string, unknown>[]> =>
  answered(raw.transaction(table).objectStore(table).getAll());
const store = (table: string, row: unknown) =>
  answered(raw.transaction(table, 'readwrite').objectStore(table).put(row));

const answered = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

test('rows come back as they were written, however they are asked for', async () => {
  const rows = [message('a', 1, 'Bonjour'), message('b', 2, 'Ça va ? 🌍'), message('c', 3, '')];
  await db.messages.bulkAdd(rows);
  expect(await db.messages.get('b')).toEqual(rows[1]);
  expect(await db.messages.bulkGet(['c', 'missing', 'a'])).toEqual([rows[2], undefined, rows[0]]);
  const range = db.messages.where('[conversationId+order]').between(['c', 1], ['c', 3]);
  expect(await range.reverse().limit(1).toArray()).toEqual([rows[1]]);
  expect(await db.messages.filter((row) => row.body.startsWith('Ça')).toArray()).toEqual([rows[1]]);
  await db.messages.update('a', { body: 'Bonsoir' });
  await db.messages
    .where('id')
    .equals('c')
    .modify((row) => {
      row.reactions = { anna: { emoji: '👍', seq: 9 } };
    });
  const bodies: string[] = [];
  await db.messages.each((row) => bodies.push(`${row.body}${row.reactions.anna?.emoji ?? ''}`));
  expect(bodies).toEqual(['Bonsoir', 'Ça va ? 🌍', '👍']);
  await db.messages.delete('a');
  expect(await db.messages.toCollection().primaryKeys()).toEqual(['b', 'c']);
});

test('only ids and numbers lie in the clear', async () => {
  await db.messages.add(message('a', 1, 'a secret word'));
  await db.people.add({ userId: 'u', handle: 'zelda', name: 'Zelda', nameAt: 1 });
  await db.writeMeta('session', { state: 'sign_up_failed', handle: 'zelda', name: 'Zelda', code: 'offline' });
  // Whoever makes an index shows what it holds: names, handles and texts must not be among these.
  const fields = db.tables.flatMap(({ schema }) =>
    [schema.primKey, ...schema.indexes].flatMap(({ keyPath }) => keyPath ?? []),
  );
  expect([...new Set(fields)].sort()).toEqual([
    'at',
    'block',
    'conversationId',
    'deviceId',
    'id',
    'key',
    'kind',
    'order',
    'size',
    'sortAt',
    'stamp',
    'target',
    'userId',
    'waitsIn',
  ]);
  const [[row], everything] = [
    await stored('messages'),
    await Promise.all(db.tables.map((t) => stored(t.name))),
  ];
  expect(Object.keys(row ?? {}).sort()).toEqual(['conversationId', 'id', 'order', 'sealed$']);
  const bytes = JSON.stringify(everything, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  );
  for (const word of ['secret', 'elda', 'anna', 'phone', 'sign_up']) expect(bytes).not.toContain(word);
});

test('a row that was changed, exchanged, renumbered or put there is refused', async () => {
  await db.messages.bulkAdd([message('a', 1, 'yes'), message('b', 2, 'no')]);
  await db.people.add({ userId: 'a', handle: 'anna', name: null, nameAt: 0 });
  const [a, b] = await stored('messages');
  const [person] = await stored('people');
  const sealed = a?.sealed$ instanceof Uint8Array ? a.sealed$ : new Uint8Array();
  const flipped = sealed.map((byte, index) => (index === 40 ? byte ^ 1 : byte));
  for (const row of [
    { ...a, sealed$: flipped },
    { ...a, sealed$: sealed.subarray(0, 20) },
    { ...a, sealed$: b?.sealed$ },
    { ...a, sealed$: person?.sealed$ },
    { ...a, order: 7 },
    { ...a, conversationId: 'other' },
    message('a', 1, 'not sealed'),
  ]) {
    await store('messages', row);
    await expect(db.messages.get('a')).rejects.toThrow(/a row/);
  }
  await store('messages', a);
  expect(await db.messages.get('a')).toMatchObject({ body: 'yes' });
});

test('another key opens nothing', async () => {
  await db.writeMeta('presenceShown', true);
  db.close();
  db = new AparteDb(async () => new Uint8Array(32).fill(8), name);
  await expect(db.readMeta('presenceShown')).rejects.toThrow(/a row/);
});

test('rows that the database numbers are bound to their number', async () => {
  const intent = { conversationId: 'c', intent: { kind: 'leave' as const }, at: 1, sealed: null };
  const first = await db.outbox.add({ ...intent });
  const ids = await db.outbox.bulkAdd(
    [
      { ...intent, at: 2 },
      { ...intent, at: 3 },
    ],
    { allKeys: true },
  );
  expect(ids).toEqual([first + 1, first + 2]);
  expect((await db.outbox.toArray()).map(({ id, at }) => [id, at])).toEqual([
    [first, 1],
    [first + 1, 2],
    [first + 2, 3],
  ]);
  const [row, other] = await stored('outbox');
  await store('outbox', { ...row, sealed$: other?.sealed$ });
  await expect(db.outbox.get(first)).rejects.toThrow(/a row/);
});

test('what fails in a transaction leaves nothing behind', async () => {
  await expect(
    db.transaction('rw', db.outbox, db.messages, async () => {
      await db.messages.add(message('a', 1, 'x'));
      await db.outbox.add({ conversationId: 'c', intent: { kind: 'leave' }, at: 1, sealed: null });
      await db.messages.add(message('a', 1, 'twice'));
    }),
  ).rejects.toThrow();
  expect([await db.messages.count(), await db.outbox.count()]).toEqual([0, 0]);
});

test('a live query hears of changes by another connection', async () => {
  const other = new AparteDb(testKey, name);
  const heard: string[][] = [];
  const range = () => db.messages.where('[conversationId+order]').between(['c', 0], ['c', 9]).toArray();
  await new Promise<void>((resolve, reject) => {
    const subscription = liveQuery(range).subscribe({
      next: (rows) => {
        heard.push(rows.map((row) => row.body));
        if (heard.length === 1) void other.messages.add(message('a', 1, 'new')).catch(reject);
        if (heard.length === 2) void other.messages.update('a', { body: 'edited' }).catch(reject);
        if (heard.length < 3) return;
        subscription.unsubscribe();
        resolve();
      },
      error: reject,
    });
  });
  expect(heard).toEqual([[], ['new'], ['edited']]);
  other.close();
});

test('nothing is read or written before there is a key', async () => {
  let give: (key: Uint8Array) => void = () => undefined;
  const given = new Promise<Uint8Array>((resolve) => {
    give = resolve;
  });
  const waiting = new AparteDb(() => given, name);
  let read = false;
  const reading = waiting.messages.count().then(() => {
    read = true;
  });
  await db.messages.count();
  expect(read).toBe(false);
  give(await testKey());
  await reading;
  waiting.close();
});
