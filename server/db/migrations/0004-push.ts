import { type Kysely, sql } from 'kysely';

/** Where devices are woken by push, and the key pair by which push services know this server. */
const statements = [
  sql`create table push_subscriptions (
    device_id uuid primary key references devices (id),
    user_id uuid not null references users (id),
    endpoint text not null unique,
    p256dh text not null,
    auth text not null,
    created_at double precision not null
  )`,
  sql`create index push_subscriptions_of_user on push_subscriptions (user_id)`,
  sql`create table push_keys (
    id integer primary key check (id = 1),
    public_key text not null,
    private_key text not null
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db);
}
