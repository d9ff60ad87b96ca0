import { Kysely, PostgresDialect, sql } from 'kysely';
import type pg from 'pg';
import { migrations } from './migrations/list';

/** Any constant will do, as long as every node of a database uses the same. */
const migrationLock = 4_061_963;

/**
 * Brings the database to the newest shape, in one transaction: all of it or nothing. Nodes that start together
 * wait for each other. Throws if the database has a migration that this version does not know.
 */
export async function migrate(pool: pg.Pool): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(trx);
    await sql`create table if not exists migrations (name text primary key)`.execute(trx);
    const done = await sql<{ name: string }>`select name from migrations`.execute(trx);
    const names = new Set(done.rows.map((row) => row.name));
    for (const migration of migrations) {
      if (names.delete(migration.name)) continue;
      await migration.up(trx);
      await sql`insert into migrations (name) values (${migration.name})`.execute(trx);
    }
    if (names.size > 0) throw new Error('The database was written by a newer version of Aparté.');
  });
}
