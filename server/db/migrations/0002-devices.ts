import { type Kysely, sql } from 'kysely';

/** Many devices for a person: linking, signing, revoking, and the key backup that a new one reads. */
const statements = [
  sql`alter table devices alter column signature drop not null`,
  sql`alter table devices add column linked_by uuid references devices (id)`,
  sql`alter table devices add column wiped_at double precision`,
  sql`alter table users add column backup_seq integer not null default 0`,
  sql`create table link_grants (
    hash bytea primary key,
    user_id uuid not null references users (id),
    by_device_id uuid not null references devices (id),
    expires_at double precision not null,
    device_id uuid
  )`,
  sql`create index link_grants_expiry on link_grants (expires_at)`,
  sql`create table rendezvous (
    id text primary key,
    public_key text not null,
    shower_hash bytea not null,
    scanner_hash bytea,
    expires_at double precision not null,
    shower_left boolean not null default false,
    scanner_left boolean not null default false
  )`,
  sql`create index rendezvous_expiry on rendezvous (expires_at)`,
  sql`create table rendezvous_messages (
    rendezvous_id text not null references rendezvous (id) on delete cascade,
    side text not null check (side in ('shower', 'scanner')),
    seq integer not null,
    body text not null,
    primary key (rendezvous_id, side, seq)
  )`,
  sql`create table key_backups (
    user_id uuid not null references users (id),
    seq integer not null,
    device_id uuid not null,
    client_id uuid not null,
    page text not null,
    primary key (user_id, seq),
    unique (device_id, client_id)
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db);
}
