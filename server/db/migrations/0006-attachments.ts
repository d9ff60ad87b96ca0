import { type Kysely, sql } from 'kysely';

/** Ciphertexts of attachments, by their hash. They do not compress, so nobody tries. */
const statements = [
  sql`create table attachments (
    address text primary key,
    user_id uuid not null references users (id),
    size_bytes integer not null,
    bytes bytea not null,
    created_at double precision not null
  )`,
  sql`alter table attachments alter column bytes set storage external`,
  sql`create index attachments_of_user on attachments (user_id) include (size_bytes)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db);
}
