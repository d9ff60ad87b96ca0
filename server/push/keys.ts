import webPush from 'web-push';
import type { Db } from '../db/database';

export interface PushKeys {
  publicKey: string;
  privateKey: string;
}

/** The server's key pair for push services (VAPID), made when it is first asked for; all nodes share it. */
export async function pushKeys(db: Db): Promise<PushKeys> {
  const known = await read(db);
  if (known !== undefined) return known;
  const made = webPush.generateVAPIDKeys();
  await db
    .insertInto('push_keys')
    .values({ id: 1, public_key: made.publicKey, private_key: made.privateKey })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  // Another node may have been faster: what is stored counts.
  const stored = await read(db);
  if (stored === undefined) throw new Error('The push keys could not be stored.');
  return stored;
}

async function read(db: Db): Promise<PushKeys | undefined> {
  const row = await db
    .selectFrom('push_keys')
    .select(['public_key', 'private_key'])
    .where('id', '=', 1)
    .executeTakeFirst();
  return row && { publicKey: row.public_key, privateKey: row.private_key };
}
