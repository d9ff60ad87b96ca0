import { type Kysely, sql } from 'kysely';

/**
 * Messages, marks and envelopes have no foreign keys: the statement that inserts them has already read their
 * conversation and devices under the row lock, neither is ever deleted, and each check would cost a lookup per row.
 */
const statements = [
  sql`create table users (
    id uuid primary key,
    handle text not null unique,
    master_key jsonb not null,
    self_signing_key jsonb not null,
    user_signing_key jsonb not null,
    devices_version integer not null default 1,
    created_at double precision not null
  )`,
  sql`create table devices (
    id uuid primary key,
    user_id uuid not null references users (id),
    identity_key text not null,
    signing_key text not null,
    device_keys jsonb not null,
    signed_pre_key_id text,
    signed_pre_key jsonb,
    signed_pre_key_used boolean not null default false,
    signature text not null,
    name text not null,
    type text not null check (type in ('WEB', 'MOBILE', 'DESKTOP')),
    token_hash bytea unique,
    registration_hash bytea not null unique,
    created_at double precision not null,
    last_seen_at double precision not null,
    revoked_at double precision
  )`,
  sql`create index devices_of_user on devices (user_id)`,
  sql`create table one_time_keys (
    device_id uuid not null references devices (id),
    key_id text not null,
    key jsonb,
    primary key (device_id, key_id)
  )`,
  sql`create index one_time_keys_left on one_time_keys (device_id, key_id) where key is not null`,
  sql`create table conversations (
    id uuid primary key,
    kind text not null check (kind in ('direct', 'group')),
    roster_version integer not null default 1,
    last_seq integer not null default 0,
    created_by uuid not null references users (id),
    created_at double precision not null
  ) with (fillfactor = 70)`,
  sql`create table members (
    conversation_id uuid not null references conversations (id),
    user_id uuid not null references users (id),
    role text not null check (role in ('owner', 'admin', 'member')),
    state text not null check (state in ('requested', 'active', 'left', 'blocked')),
    joined_seq integer not null default 0,
    left_seq integer,
    left_roster_version integer,
    joined_at double precision not null,
    primary key (conversation_id, user_id)
  )`,
  sql`create index members_of_user on members (user_id, conversation_id)`,
  sql`create table blocks (
    user_id uuid not null references users (id),
    blocked_user_id uuid not null references users (id),
    created_at double precision not null,
    primary key (user_id, blocked_user_id)
  )`,
  sql`create table messages (
    conversation_id uuid not null,
    seq integer not null,
    sender_user_id uuid not null,
    sender_device_id uuid not null,
    client_id uuid not null,
    ciphertext text not null,
    at double precision not null,
    primary key (conversation_id, seq),
    unique (sender_device_id, client_id)
  )`,
  sql`create table marks (
    conversation_id uuid not null,
    sender_device_id uuid not null,
    sender_user_id uuid not null,
    client_id uuid not null,
    ciphertext text not null,
    at double precision not null,
    primary key (conversation_id, sender_device_id)
  )`,
  sql`create sequence envelope_ids as bigint`,
  sql`create table envelopes (
    recipient_device_id uuid not null,
    id bigint not null default nextval('envelope_ids'),
    sender_user_id uuid not null,
    sender_device_id uuid not null,
    type text not null,
    content text not null,
    primary key (recipient_device_id, id)
  )`,
  sql`alter sequence envelope_ids owned by envelopes.id`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db);
}
