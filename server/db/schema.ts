import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type * as z from 'zod';
import type { ConversationKind, MemberState, Role } from '../../lib/protocol/conversations';
import type { crossSigningKey, DeviceType, signedDeviceKeys, signedPreKey } from '../../lib/protocol/keys';

/** Times are milliseconds since 1970 as `double precision`, which the driver reads as a number. */
type Millis = number;
type Json<T extends object> = JSONColumnType<T, string, string>;
type CrossSigningKey = z.infer<typeof crossSigningKey>;
type DeviceKeys = z.infer<typeof signedDeviceKeys>;
type PreKey = z.infer<typeof signedPreKey>;

export interface UsersTable {
  id: string;
  handle: string;
  master_key: Json<CrossSigningKey>;
  self_signing_key: Json<CrossSigningKey>;
  user_signing_key: Json<CrossSigningKey>;
  /** Grows whenever a device of the user comes or goes. */
  devices_version: Generated<number>;
  /** The number of the last page of the key backup. */
  backup_seq: Generated<number>;
  created_at: Millis;
}

export interface DevicesTable {
  id: string;
  user_id: string;
  /** curve25519, base64. */
  identity_key: string;
  /** ed25519, base64. */
  signing_key: string;
  device_keys: Json<DeviceKeys>;
  signed_pre_key_id: string | null;
  signed_pre_key: ColumnType<PreKey | null, string | null, string | null>;
  signed_pre_key_used: Generated<boolean>;
  /** The owner's self-signing key's signature on `device_keys`; null while a linked device waits for it. */
  signature: string | null;
  name: string;
  type: DeviceType;
  /** SHA-256 of the cookie's token; null once revoked. */
  token_hash: Buffer | null;
  /** SHA-256 of the idempotency key that registered the device. */
  registration_hash: Buffer;
  created_at: Millis;
  last_seen_at: Millis;
  revoked_at: Millis | null;
  /** The device that linked this one; null for the first and for one that came by recovery. */
  linked_by: string | null;
  /** The revoked device has said that it keeps nothing any more. */
  wiped_at: Millis | null;
  /** When the owner says that it was shut out, and the master key's signature on that. */
  revocation_at: Millis | null;
  revocation_signature: string | null;
}

export interface OneTimeKeysTable {
  device_id: string;
  key_id: string;
  /** Null once handed out: the row stays, so that a repeated upload cannot offer the key a second time. */
  key: ColumnType<PreKey | null, string, string | null>;
  /** When it was handed out; null until then. */
  used_at: ColumnType<number | null, never, number | null>;
}

export interface ConversationsTable {
  id: string;
  kind: ConversationKind;
  roster_version: Generated<number>;
  last_seq: Generated<number>;
  created_by: string;
  created_at: Millis;
}

export interface MembersTable {
  conversation_id: string;
  user_id: string;
  role: Role;
  state: MemberState;
  /** Reads what comes after this number. */
  joined_seq: Generated<number>;
  /** Set while `left` or `blocked`: reads nothing after this number. */
  left_seq: number | null;
  /** The roster's version at that moment, which is the last one told to this member. */
  left_roster_version: number | null;
  joined_at: Millis;
}

export interface BlocksTable {
  user_id: string;
  blocked_user_id: string;
  created_at: Millis;
}

export interface MessagesTable {
  conversation_id: string;
  seq: number;
  sender_user_id: string;
  sender_device_id: string;
  client_id: string;
  ciphertext: string;
  at: Millis;
}

export interface MarksTable {
  conversation_id: string;
  sender_device_id: string;
  sender_user_id: string;
  client_id: string;
  ciphertext: string;
  at: Millis;
}

export interface EnvelopesTable {
  id: Generated<number>;
  recipient_device_id: string;
  sender_user_id: string;
  sender_device_id: string;
  type: string;
  content: string;
  /** `null`: a note, or stored by a version that did not say it. */
  conversation_id: string | null;
}

export interface LinkGrantsTable {
  /** SHA-256 of the grant. */
  hash: Buffer;
  user_id: string;
  by_device_id: string;
  expires_at: Millis;
  /** The device that was registered with it. */
  device_id: string | null;
}

export interface RendezvousTable {
  id: string;
  public_key: string;
  shower_hash: Buffer;
  /** Null until somebody has read the code. */
  scanner_hash: Buffer | null;
  expires_at: Millis;
  shower_left: Generated<boolean>;
  scanner_left: Generated<boolean>;
}

export interface RendezvousMessagesTable {
  rendezvous_id: string;
  side: 'shower' | 'scanner';
  seq: number;
  body: string;
}

export interface KeyBackupsTable {
  user_id: string;
  seq: number;
  device_id: string;
  client_id: string;
  /** Ciphertext. */
  page: string;
}

export interface RecoveriesTable {
  user_id: string;
  /** SHA-256 of what is derived from the recovery key for this server to know it by. */
  authentication_hash: Buffer;
  /** Ciphertext. */
  bundle: string;
  created_at: Millis;
}

export interface AccountStatesTable {
  user_id: string;
  /** Ciphertext. */
  page: string;
}

export interface PushSubscriptionsTable {
  device_id: string;
  user_id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
  created_at: Millis;
}

/** One row: the key pair by which push services know this server, whichever of its nodes asks. */
export interface PushKeysTable {
  id: number;
  public_key: string;
  private_key: string;
}

export interface AttachmentsTable {
  /** SHA-256 of the bytes, base64url. */
  address: string;
  /** Who has put it here, and may take it back. */
  user_id: string;
  size_bytes: number;
  /** Ciphertext. */
  bytes: Buffer;
  created_at: Millis;
}

export interface Database {
  attachments: AttachmentsTable;
  push_subscriptions: PushSubscriptionsTable;
  push_keys: PushKeysTable;
  recoveries: RecoveriesTable;
  account_states: AccountStatesTable;
  link_grants: LinkGrantsTable;
  rendezvous: RendezvousTable;
  rendezvous_messages: RendezvousMessagesTable;
  key_backups: KeyBackupsTable;
  users: UsersTable;
  devices: DevicesTable;
  one_time_keys: OneTimeKeysTable;
  conversations: ConversationsTable;
  members: MembersTable;
  blocks: BlocksTable;
  messages: MessagesTable;
  marks: MarksTable;
  envelopes: EnvelopesTable;
}
