import { type Kysely, sql } from 'kysely';

/** When a one-time key was handed out, so that it is not remembered for ever. */
const statements = [
  sql`alter table one_time_keys add column used_at double precision`,
  sql`update one_time_keys set used_at = extract(epoch from now()) * 1000 where key is null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db);
}
