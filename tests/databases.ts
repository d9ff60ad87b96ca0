import { rm } from 'node:fs/promises';
import { migrate } from '../server/db/migrate';
import { type Database, openDatabase } from '../server/db/pool';
import { freePort } from '../server/http/free-port';
import { dataFolder } from './data-folder';
import { startPostgres } from './postgres';

export interface TestDatabase extends Database {
  /** For further nodes on the same database; undefined for the embedded one, which has one node only. */
  readonly url: string | undefined;
}

/** The databases that every rule must hold on. Each is opened empty and migrated. */
export const databaseKinds = ['embedded', 'postgres'] as const;

export async function openTestDatabase(kind: (typeof databaseKinds)[number]): Promise<TestDatabase> {
  if (kind === 'embedded') {
    const dataDir = await dataFolder();
    const database = await openDatabase({ databaseUrl: undefined, dataDir });
    await migrate(database.pool);
    return {
      ...database,
      url: undefined,
      async close() {
        await database.close();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  }
  const postgres = await startPostgres(await freePort());
  const database = await openDatabase({ databaseUrl: postgres.url, dataDir: '' });
  await migrate(database.pool);
  return {
    ...database,
    url: postgres.url,
    async close() {
      await database.close();
      await postgres.stop();
    },
  };
}
