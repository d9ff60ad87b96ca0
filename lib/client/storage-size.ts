import type { AparteDb } from './db';

/** So many rows of a table are looked at; the others count like them. */
const sampled = 120;
/** The conversations that take most. */
const shownConversations = 30;

/** What the browser says, bytes; parts only where it tells them. */
export interface BrowserEstimate {
  usage?: number;
  quota?: number;
  usageDetails?: { indexedDB?: number; caches?: number };
}

/** Bytes. Of tables they are estimates: the browser tells only sums. */
export interface StorageUse {
  usage: number;
  quota: number;
  appFiles: number;
  messages: { count: number; bytes: number };
  /** What they hold, exactly. */
  pictures: number;
  search: number;
  /** Keys and whatever else there is. */
  keys: number;
  conversations: { conversationId: string; count: number; bytes: number }[];
}

/** Their rows are too large to look at for their size; a ciphertext that waits to be sent does not wait for long. */
const pictureTables = new Set(['pictures', 'transfers']);
const messageTables = new Set(['messages', 'sealed', 'orphans', 'outbox']);

export async function measureStorage(db: AparteDb, estimate: BrowserEstimate): Promise<StorageUse> {
  let messageBytes = 0;
  let search = 0;
  let all = 0;
  const pictures = await pictureBytes(db);
  for (const table of db.tables) {
    if (pictureTables.has(table.name)) continue;
    const count = await table.count();
    const bytes = count === 0 ? 0 : count * (await rowBytes(table));
    all += bytes;
    if (messageTables.has(table.name)) messageBytes += bytes;
    else if (table.name.startsWith('search')) search += bytes;
  }
  const count = await db.messages.count();
  const each = count === 0 ? 0 : messageBytes / count;
  const conversations = [];
  for (const key of await db.conversations.toCollection().primaryKeys()) {
    const conversationId = String(key);
    const own = await db.messages
      .where('[conversationId+order]')
      .between([conversationId, -1], [conversationId, []])
      .count();
    const bytes = own * each + (pictures.get(conversationId) ?? 0);
    if (own > 0) conversations.push({ conversationId, count: own, bytes });
  }
  conversations.sort((a, b) => b.bytes - a.bytes);
  const allPictures = [...pictures.values()].reduce((sum, bytes) => sum + bytes, 0);
  all += allPictures;
  const { usage = all, quota = 0, usageDetails = {} } = estimate;
  const appFiles = usageDetails.caches ?? Math.max(0, usage - (usageDetails.indexedDB ?? all));
  const databases = usageDetails.indexedDB ?? Math.max(0, usage - appFiles);
  return {
    usage,
    quota,
    appFiles,
    messages: { count, bytes: messageBytes },
    pictures: allPictures,
    search,
    keys: Math.max(0, databases - messageBytes - allPictures - search),
    conversations: conversations.slice(0, shownConversations),
  };
}

/** By conversation; from the index alone, since opening them all would take long. */
async function pictureBytes(db: AparteDb): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const key of await db.pictures.orderBy('[conversationId+size]').keys()) {
    if (!Array.isArray(key)) continue;
    const [conversationId, size] = [String(key[0]), Number(key[1])];
    bytes.set(conversationId, (bytes.get(conversationId) ?? 0) + size);
  }
  return bytes;
}

/** Half of the sample from each end: the newest rows may be longer than the oldest. */
async function rowBytes(table: AparteDb['tables'][number]): Promise<number> {
  const first = await table.limit(sampled / 2).toArray();
  const last = await table
    .reverse()
    .limit(sampled / 2)
    .toArray();
  const rows: unknown[] = [...first, ...last];
  return rows.reduce<number>((sum, row) => sum + sizeOf(row), 0) / rows.length;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return Object.entries(value).reduce((sum, [key, inner]) => sum + key.length + sizeOf(inner), 0);
}
