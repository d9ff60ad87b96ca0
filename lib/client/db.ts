import { Dexie, type EntityTable, type Table } from 'dexie';
import type { IdentityNews, Revocation } from '../crypto/types';
import type { ConversationKind, MemberState, Role } from '../protocol/conversations';
import type { ErrorCode } from '../protocol/errors';
import type { ActivityKind } from '../protocol/frames';
import type { OutgoingEnvelope } from '../protocol/messages';
import type { AlertRule } from './alerts';
import type { Content, Picture, SentPicture } from './content';
import type { Gap } from './gaps';
import type { MetaKey, MetaRow, MetaValues } from './meta';
import type { Before } from './refusals';
import { RowCipher, RowRefused } from './row-cipher';
import { sealedRows } from './sealed-rows';
import { notesBlocks } from './search-blocks';

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
  picture?: true | undefined;
  at: number;
  /** Its number; while it waits to be sent, the number of the message that it comes after. */
  seq: number;
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
  /** What is still to be fetched, below the cursor: from before this device joined, or from a long absence. */
  gaps?: Gap[];
  /** Messages up to this number were freed here: they are fetched when somebody scrolls up to them, not before. */
  freedSeq?: number;
  /** The last number stored here without a gap, those in `gaps` aside. */
  cursor: number;
  /** The last number that the server told of. */
  lastSeq: number;
  /** The last number read on this device. Never goes back. */
  readSeq: number;
  unread: number;
  /** The last message that means this device's owner, names them or answers them, and who wrote it. Groups only. */
  meant?: { seq: number; by: string };
  /** A send was refused with the envelopes in it: the next one uses a new sender key. */
  mustRotate: boolean;
  /** By user id: how far each other member has received and read. */
  marks: Record<string, Mark>;
  preview: Preview | null;
  draft: string;
  /** Stamp of the last change of the draft, on whichever device; none if it was never one. */
  draftAt?: string;
  /** None: of all messages. */
  alertRule?: AlertRule | undefined;
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
  /** Where it lies, once it is encrypted. */
  picture?: Picture | SentPicture;
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
  /** `picture`: the one of that id is encrypted and uploaded before it. */
  | { kind: 'message'; messageId: string; content: Content; picture?: true }
  | { kind: 'mark' }
  /** `noticeId`: the message that tells the group of it, which waits behind. */
  | { kind: 'add'; userIds: string[]; noticeId?: string }
  | { kind: 'remove'; userId: string; noticeId?: string }
  | { kind: 'role'; userId: string; role: Role }
  | { kind: 'leave' }
  | { kind: 'accept' }
  /** `was`: what it is again when the wish is taken back. */
  | { kind: 'block'; was?: MemberState }
  | { kind: 'unblock'; userId: string };

/** The message that a wish is about, if it changes one. */
export const targetOf = (intent: Intent): string | null =>
  intent.kind === 'message' && 'target' in intent.content ? intent.content.target : null;

export interface OutboxRow {
  id: number;
  conversationId: string;
  intent: Intent;
  at: number;
  /** What stood there before the wish was shown at once, in case it is refused. */
  before?: Before;
  /** The bytes to send, made once; a retry sends the same. */
  sealed: SealedIntent | null;
  /** Of bytes that were never sent; they go with those that are made next. */
  envelopes?: OutgoingEnvelope[];
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
  kind: 'read' | 'draft' | 'alerts' | 'identity' | 'name' | 'presence';
  /** A conversation, or for `identity`, `name` and `presence` a user. */
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

/** The folded texts of consecutive messages of one conversation, for searching; see `search-blocks.ts`. */
export interface SearchBlockRow {
  conversationId: string;
  block: number;
  /** Grows with each block that is made: what is above one that was seen is news. */
  stamp: number;
  /** Of each message, in order. */
  orders: number[];
  ats: number[];
  /** A line for each. */
  texts: string;
}

/** A picture as it is shown on this device. */
export interface PictureRow extends Picture {
  /** That of its message; the one that it will be, while it waits beside a draft. */
  id: string;
  conversationId: string;
  /** The conversation beside whose draft it waits, or the box of what other apps have shared. */
  waitsIn?: string;
  /** The server has it no more; or what came is not what was sent. */
  state: 'here' | 'gone' | 'damaged';
  /** base64; '' when it is not here. */
  bytes: string;
  /** Length of `bytes`. */
  size: number;
  at: number;
}

/** What is to be done about a message's picture on the server. */
export type TransferRow =
  /** `bytes`: ciphertext, base64. */
  | { id: string; kind: 'upload'; address: string; bytes: string; by: string }
  /** `at`: of the wish, or below 0: that of the failure, later ones further below. */
  | { id: string; kind: 'fetch'; at: number }
  /** `by`: who had sent it. `late`: it came to the server after it was taken back. */
  | { id: string; kind: 'drop'; address: string; by: string; late?: true };

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
  searchBlocks!: Table<SearchBlockRow, [string, number]>;
  pictures!: EntityTable<PictureRow, 'id'>;
  transfers!: Table<TransferRow, string>;
  /** Blocks that are to be made anew. */
  searchDirty!: Table<Pick<SearchBlockRow, 'conversationId' | 'block'>, [string, number]>;

  /** @param key of the rows, 32 bytes; asked for once, when the database is opened, and everything waits for it */
  constructor(key: () => Promise<Uint8Array>, name = 'aparte') {
    super(name);
    let cipher: RowCipher | null = null;
    const armed = () => {
      if (!cipher) throw new RowRefused('there is no key');
      return cipher;
    };
    this.use(sealedRows(armed));
    this.use(notesBlocks());
    const arm = async () => {
      cipher ??= new RowCipher(await key());
    };
    this.on('ready', arm, true);
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
    // Rows are sealed from here on. Earlier ones were not, and no release has written any.
    this.version(5)
      .stores({
        people: 'userId',
        searchBlocks: '[conversationId+block], stamp',
        searchDirty: '[conversationId+block]',
      })
      .upgrade(async (transaction) => {
        for (const { name: table } of this.tables) await transaction.table(table).clear();
      });
    // Sizes are summed without opening a picture.
    this.version(6).stores({
      pictures: 'id, [waitsIn+at], [conversationId+size]',
      transfers: 'id, kind',
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
