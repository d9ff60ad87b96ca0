import { type Kysely, sql } from 'kysely';

/** In which conversation a key was given: a device takes keys of several in one step. Null: a note, or not known. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table envelopes add column conversation_id uuid`.execute(db);
}
