import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../server/db/migrate';
import { openDatabase } from '../server/db/pool';
import { freePort } from '../server/http/free-port';
import { startPostgres, type TestPostgres } from '../tests/postgres';
import { compileGenerator } from './generators';
import { buildServers } from './servers';
import type { Town } from './town';

/** What every measurement with sockets stands on: programs, and a real Postgres in which the town's people live. */
export interface Stage {
  readonly folder: string;
  readonly program: string;
  readonly built: string;
  readonly postgres: TestPostgres;
  readonly conversations: string;
  close(): Promise<void>;
}

export async function setStage(town: Town, settings: readonly string[] = []): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'aparte-bench-'));
  const postgres = await startPostgres(await freePort(), settings);
  const close = async () => {
    await postgres.stop();
    await rm(folder, { recursive: true });
  };
  try {
    const database = await openDatabase({ databaseUrl: postgres.url, dataDir: '' });
    await migrate(database.pool);
    await database.close();
    await town.settle(postgres.url);
    return {
      folder,
      postgres,
      program: compileGenerator(folder),
      built: await buildServers(),
      conversations: await town.writeConversations(folder),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
