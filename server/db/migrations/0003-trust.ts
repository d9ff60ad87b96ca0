import { type Kysely, sql } from 'kysely';

/** Signed revocations, the recovery of an account, and its state beside the key backup. */
const statements = [
  sql`alter table devices add column revocation_at double precision`,
  sql`alter table devices add column revocation_signature text`,
  sql`create table recoveries (
    user_id uuid primary key references users (id),
    authentication_hash bytea not null,
    bundle text not null,
    created_at double precision not null
  )`,
  sql`create table account_states (
    user_id uuid primary key references users (id),
    page text not null
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db);
}
