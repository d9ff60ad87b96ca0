import type { AparteDb } from './db';
import type { Environment } from './environment';
import type { MetaKey } from './meta';
import { dropWaiting, shareBox } from './picture-rows';

/**
 * Deletes all that the cache holds, the state of the session and of a linking aside.
 * @param heir the account that comes after: what its lost device had not sent is kept for it
 */
export async function wipeCache({ db, newId }: Environment, heir: string | null = null): Promise<void> {
  const tables = db.tables.filter((table) => table.name !== 'meta');
  await db.transaction('rw', db.tables, async () => {
    const lost = await db.readMeta('lost');
    const inherited = heir !== null && lost?.userId === heir;
    if (inherited) await keepUnsent(db, newId);
    for (const table of tables) if (!inherited || table.name !== 'pictures') await table.clear();
    const kept: MetaKey[] = inherited ? ['session', 'link', 'lost', 'unsent'] : ['session', 'link'];
    await db.meta.where('key').noneOf(kept).delete();
  });
}

/** Whether the server has what was tried cannot be known: a text that came twice is better than one that is gone. */
async function keepUnsent(db: AparteDb, newId: () => string): Promise<void> {
  const unsent = (await db.readMeta('unsent')) ?? {};
  for (const { conversationId, intent } of await db.outbox.orderBy('id').toArray()) {
    if (intent.kind !== 'message' || intent.content.kind !== 'text') continue;
    const picture = intent.picture && (await db.pictures.get(intent.messageId));
    // Under another id: the message may be on the server, and come back.
    if (picture) await db.pictures.put({ ...picture, id: newId(), waitsIn: conversationId });
    if (intent.content.body === '') continue;
    unsent[conversationId] = [...(unsent[conversationId] ?? []), intent.content.body];
  }
  await dropWaiting(db, shareBox);
  // By their keys: opening each would take long, and one that does not open would keep the account from coming back.
  const waiting = new Set(await db.pictures.orderBy('[waitsIn+at]').primaryKeys());
  const all = await db.pictures.toCollection().primaryKeys();
  await db.pictures.bulkDelete(all.filter((id) => !waiting.has(id)));
  await db.writeMeta('unsent', unsent);
}
