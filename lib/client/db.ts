import { Dexie, type EntityTable, type Table } from 'dexie';
import type { IdentityNews, Lie, Revocation } from '../crypto/types';
import type { ConversationKind, MemberState, Role } from '../protocol/conversations';
import type { ErrorCode } from '../protocol/errors';
import type { ActivityKind } from '../protocol/frames';
import type { SignUpKeys } from '../protocol/keys';
import type { OutgoingEnvelope } from '../protocol/messages';
import type { Content } from './content';
import type { LinkState } from './link-state';

/** The account of this browser profile, and how far its making has come. */
export type Session =
  | { state: 'signed_out' }
  | {
      state: 'signing_up';
      handle: string;
      name: string;
      deviceName: string;
      deviceType: DeviceKind;
      attempt: SignUpAttempt | null;
    }
  /** On a device that has lost all others: the recovery key brings the account back. */
  | { state: 'recovering'; handle: string; key: string; deviceName: string; deviceType: DeviceKind }
  | { state: 'recovery_failed'; handle: string; code: ErrorCode | 'offline' }
  | { state: 'sign_up_failed'; handle: string; name: string; code: ErrorCode | 'offline' }
  | { state: 'signed_in'; userId: string; deviceId: string; handle: string; name: string }
  /** The server refused this device for good; what it had is wiped. */
  | { state: 'ended'; code: ErrorCode };

export type DeviceKind = 'WEB' | 'MOBILE' | 'DESKTOP';

/** Made once and kept, so that a sign-up whose answer was lost is asked again as the same one. */
export interface SignUpAttempt {
  userId: string;
  deviceId: string;
  idempotencyKey: string;
  /** The request's keys, stored before it is sent: `null` until they are made. */
  keys: SignUpKeys | null;
}

export type ConnectionStatus =
  | { state: 'offline' }
  | { state: 'connecting' }
  | { state: 'catching_up' }
  | { state: 'online' }
  /** Another try at `retryAt` (ms). */
  | { state: 'waiting'; retryAt: number };

interface MetaValues {
  session: Session;
  connection: ConnectionStatus;
  /** Server time up to which others' marks are known, ms. */
  marksSince: number;
  /** The linking under way, or how the last one ended. */
  link: LinkState;
  /** What other devices of the account told of conversations that the server has not told this one yet. */
  arriving: { conversations: Record<string, Partial<ConversationRow>> };
  /** On a device that joined later: the last page of the key backup that it has read. */
  backupCursor: number;
  /** Marks came before the backup had the keys to open them; they are asked for once more. */
  marksOwed: boolean;
  /** Messages from before this device joined that are still to come, of how many. */
  history: { left: number; total: number };
  /** The account's devices as this one knows them. */
  devices: { version: number; deviceIds: string[] };
  /** Devices that were linked elsewhere, until somebody has looked. */
  deviceNews: DeviceNews[];
  /** What the server told that cannot be true; new ones until somebody has looked. */
  lies: ShownLie[];
  /** Whether the account can be recovered, as the server last said; a key that was made here waits to be stored. */
  recovery: RecoveryState;
  /** How often the reminder to make a recovery key was put off, and until when. */
  recoveryReminder: { putOff: number; until: number };
  /** This device came by recovery: its owner has not yet said what is to become of the lost ones. */
  recovered: { at: number };
  /** The last stamp of the hybrid clock that was made or seen here. */
  clock: string;
  /** What is being told to the account's other devices: bytes that are sent until they have arrived. */
  note: SealedNote;
  /** By tab: until when (ms) it counts as looked at unless it says so again. */
  visibleTabs: Record<string, number>;
  /** Whether others see when I am here, and I them. Not there: yes. */
  presenceShown: boolean;
  /** Until when (ms) others believe that I am here, by what this device last told them. */
  toldOnlineUntil: number;
}
export type RecoveryState =
  | { state: 'none' }
  | { state: 'storing'; key: string }
  | { state: 'stored'; at: number };

export interface ShownLie extends Lie {
  seen: boolean;
}
export interface SealedNote {
  devicesVersion: number;
  envelopes: OutgoingEnvelope[];
  told: { key: string; version: string }[];
}
export interface DeviceNews {
  deviceId: string;
  name: string;
  at: number;
}
export type MetaKey = keyof MetaValues;
export type MetaRow = { [K in MetaKey]: { key: K; value: MetaValues[K] } }[MetaKey];

export interface MemberRow {
  userId: string;
  role: Role;
  state: MemberState;
  devicesVersion: number;
}

export interface Preview {
  messageId: string;
  senderId: string;
  kind: MessageRow['kind'];
  text: string;
  at: number;
}

export interface ConversationRow {
  conversationId: string;
  kind: ConversationKind;
  /** Groups only; told by members, `null` until someone has. */
  title: string | null;
  titleSeq: number;
  members: MemberRow[];
  myRole: Role;
  myState: MemberState;
  createdBy: string;
  /** 0: not yet known to the server. */
  rosterVersion: number;
  joinedSeq: number;
  /** Messages up to this number, from `joinedSeq` on, are still to be fetched; none on a device that was there. */
  historySeq?: number;
  /** The last number stored here without a gap. */
  cursor: number;
  /** The last number that the server told of. */
  lastSeq: number;
  /** The last number read on this device. Never goes back. */
  readSeq: number;
  unread: number;
  /** A send was refused with the envelopes in it: the next one uses a new sender key. */
  mustRotate: boolean;
  /** By user id: how far each other member has received and read. */
  marks: Record<string, Mark>;
  preview: Preview | null;
  draft: string;
  /** Stamp of the last change of the draft, on whichever device; none if it was never one. */
  draftAt?: string;
  /** Newest first in the list, ms. */
  sortAt: number;
}

export interface Mark {
  delivered: number;
  read: number;
}

export interface PersonRow {
  userId: string;
  handle: string;
  /** As they write it; `null` until a message of theirs was read. */
  name: string | null;
  /** Server time of the message that told the name. */
  nameAt: number;
}

export interface MessageRow {
  /** The sender's client id. */
  id: string;
  conversationId: string;
  /** `text`, a `group` notice, or `sealed`: its key has not come yet; `invalid`: it can never be read. */
  kind: 'text' | 'group' | 'sealed' | 'invalid';
  /** Place in the conversation: the number once sent, above all numbers until then. */
  order: number;
  seq: number | null;
  senderId: string;
  senderDeviceId: string;
  /** Server time of the commit, or this device's time until then, ms. */
  at: number;
  status: 'queued' | 'sent' | 'failed' | 'received';
  failure: ErrorCode | null;
  body: string;
  replyTo: string | null;
  deleted: boolean;
  /** Number of the message that last edited the body; 0: never. Pending own edits: above all numbers. */
  editSeq: number;
  /** By user id. */
  reactions: Record<string, { emoji: string | null; seq: number }>;
  /** Notices only. */
  notice: Extract<Content, { kind: 'group' }> | null;
}

/** A message that arrived before its key. Tried again whenever a key of its conversation comes. */
export interface SealedRow {
  id: string;
  conversationId: string;
  seq: number;
  senderId: string;
  senderDeviceId: string;
  ciphertext: string;
  at: number;
}

/** An edit, delete or reaction whose target is not here yet; applied when it comes. */
export interface OrphanRow {
  id: string;
  target: string;
  conversationId: string;
  seq: number;
  senderId: string;
  content: Content;
}

/** What a person asked for, in the order of asking; stored before it is done, deleted when the server has it. */
export type Intent =
  | { kind: 'create'; conversationKind: ConversationKind; memberIds: string[] }
  | { kind: 'message'; messageId: string; content: Content }
  | { kind: 'mark' }
  | { kind: 'add'; userIds: string[] }
  | { kind: 'remove'; userId: string }
  | { kind: 'role'; userId: string; role: Role }
  | { kind: 'leave' }
  | { kind: 'accept' }
  | { kind: 'block' };

export interface OutboxRow {
  id: number;
  conversationId: string;
  intent: Intent;
  at: number;
  /** The bytes to send, made once; a retry sends the same. */
  sealed: SealedIntent | null;
}

export interface SealedIntent {
  clientId: string;
  /** It may be on its way: it cannot be taken back any more. */
  tried: boolean;
  slot: 'log' | 'mark';
  rosterVersion: number;
  ciphertext: string;
  envelopes: OutgoingEnvelope[];
}

/** Wishes that mean nothing later: sent at once or forgotten. */
export interface SignalRow {
  id: number;
  kind: ActivityKind;
  conversationId: string;
}

/** Something that the account's other devices are to be told, as it is when they are told. */
export interface TellingRow {
  /** `kind` and `about`: what changes twice before it is told is told once. */
  key: string;
  kind: 'read' | 'draft' | 'identity';
  /** A conversation, or for `identity` a user. */
  about: string;
  /** Another at each change. */
  version: string;
  /** This device's time, ms. */
  notBefore: number;
}

/** The identity of a person that this account goes by; its own too. */
export interface IdentityRow extends IdentityNews {
  /** Stamp of the last decision of the owner; '' for one that was only seen. */
  decidedAt: string;
}

/** What a person has decided about an identity; deleted when it is done. */
export interface DecisionRow {
  userId: string;
  /** The identity that they have seen. */
  masterKey: string;
  /** They have compared the safety number. */
  verify: boolean;
}

/** A device of this account that is being shut out, and how far that has come. */
export interface RemovalRow {
  deviceId: string;
  name: string;
  state: 'wished' | 'removed' | 'wiped';
  at: number;
}

/** What someone is doing in a conversation now. Deleted by the engine when it has not been heard again for a while. */
export interface ActivityRow {
  conversationId: string;
  userId: string;
  kind: ActivityKind;
}

/** What another person's devices last said of being here. Times are this device's unless said otherwise. */
export interface PresenceRow {
  userId: string;
  /** Server time of the word, by which words that overtake each other are put in order. */
  saidAt: number;
  /** Counts as online until then; in the past once `away` was said. */
  onlineUntil: number;
  lastSeenAt: number;
}

/** Orders of messages not yet sent start here; a conversation never reaches so many. */
export const pendingOrder = 2 ** 50;

/** The one database of a browser profile: the bus between screens and engine. */
export class AparteDb extends Dexie {
  meta!: Table<MetaRow, MetaKey>;
  conversations!: EntityTable<ConversationRow, 'conversationId'>;
  people!: EntityTable<PersonRow, 'userId'>;
  messages!: EntityTable<MessageRow, 'id'>;
  sealed!: EntityTable<SealedRow, 'id'>;
  orphans!: EntityTable<OrphanRow, 'id'>;
  outbox!: EntityTable<OutboxRow, 'id'>;
  signals!: EntityTable<SignalRow, 'id'>;
  activities!: Table<ActivityRow, [string, string, ActivityKind]>;
  presences!: EntityTable<PresenceRow, 'userId'>;
  identities!: EntityTable<IdentityRow, 'userId'>;
  revocations!: EntityTable<Revocation, 'deviceId'>;
  removals!: EntityTable<RemovalRow, 'deviceId'>;
  tellings!: EntityTable<TellingRow, 'key'>;
  decisions!: EntityTable<DecisionRow, 'userId'>;

  constructor(name = 'aparte') {
    super(name);
    this.version(1).stores({
      meta: 'key',
      conversations: 'conversationId, sortAt',
      people: 'userId, handle',
      messages: 'id, [conversationId+order]',
      sealed: 'id, conversationId',
      orphans: 'id, target',
      outbox: '++id, conversationId',
      signals: '++id',
      typing: '[conversationId+userId], expiresAt',
    });
    this.version(3).stores({
      typing: null,
      activities: '[conversationId+userId+kind]',
      presences: 'userId',
    });
    this.version(4).stores({
      identities: 'userId',
      revocations: 'deviceId, userId',
      removals: 'deviceId',
      tellings: 'key',
      decisions: 'userId',
    });
  }

  async readMeta<K extends MetaKey>(key: K): Promise<MetaValues[K] | undefined> {
    const row = await this.meta.get(key);
    // Rows are written by `writeMeta` only, which pairs key and value.
    return row?.value as MetaValues[K] | undefined;
  }

  async writeMeta<K extends MetaKey>(key: K, value: MetaValues[K]): Promise<void> {
    await this.meta.put({ key, value } as MetaRow);
  }
}
