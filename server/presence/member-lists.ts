import { sql } from 'kysely';
import type { Db } from '../db/database';

export interface ListedMember {
  readonly userId: string;
  /** Whether they have accepted: then they may write. */
  readonly active: boolean;
}

export interface MemberListsOptions {
  db: Db;
  now: () => number;
  /** How long a list is believed, since a change may go unheard, as while Redis is away. */
  maxAgeMs: number;
  /**
   * The text that the node has of the id already, of one who is connected to it: so it is kept once, and found sooner.
   */
  known?: (userId: string) => string;
  /** Members in all lists together, and the lists; beyond it the list that was read longest ago is dropped. */
  maxMembers?: number;
}

type Listed = readonly ListedMember[];

/** An empty list takes room as well: anybody may ask for conversations that there are not. */
const costOf = (members: Listed) => members.length + 1;

/** A list that is wanted, or being read. */
interface Read {
  readonly conversationId: string;
  readonly listed: Promise<Listed>;
  readonly resolve: (members: Listed) => void;
  readonly reject: (error: unknown) => void;
}

/** Lists in one query: those of a thousand who begin to type at once, as after a start, would be a thousand queries. */
const maxBatch = 100;

/**
 * Who may hear what is said in a conversation and not stored, kept for a while: each key pressed would be a query
 * otherwise. A list is asked for by a member who is connected here, so the node is told of every change of it.
 */
export class MemberLists {
  readonly #options: Required<MemberListsOptions>;
  readonly #lists = new Map<string, { members: Listed; until: number }>();
  /** The latest read of each. */
  readonly #reads = new Map<string, Read>();
  #wanted: Read[] = [];
  #reading = false;
  #kept = 0;

  constructor(options: MemberListsOptions) {
    this.#options = { maxMembers: 200_000, known: (userId) => userId, ...options };
  }

  /** Those who are active or asked. */
  of(conversationId: string): Listed | Promise<Listed> {
    const list = this.#lists.get(conversationId);
    if (list !== undefined && list.until > this.#options.now()) return list.members;
    return (this.#reads.get(conversationId) ?? this.#want(conversationId)).listed;
  }

  /** The roster has changed: what was read before that, or is being read, is kept no longer. */
  forget(conversationId: string): void {
    this.#reads.delete(conversationId);
    this.#drop(conversationId);
  }

  #want(conversationId: string): Read {
    let resolve: Read['resolve'] = () => undefined;
    let reject: Read['reject'] = () => undefined;
    const listed = new Promise<Listed>((...settle) => {
      [resolve, reject] = settle;
    });
    const read: Read = { conversationId, listed, resolve, reject };
    this.#reads.set(conversationId, read);
    this.#wanted.push(read);
    if (!this.#reading) void this.#readWanted();
    return read;
  }

  async #readWanted(): Promise<void> {
    this.#reading = true;
    // What is wanted in the same tick comes along.
    await Promise.resolve();
    while (this.#wanted.length > 0) {
      const batch = this.#wanted.splice(0, maxBatch);
      try {
        const lists = await this.#read(batch.map(({ conversationId }) => conversationId));
        for (const read of batch) this.#answer(read, lists.get(read.conversationId) ?? []);
      } catch (error) {
        for (const read of batch) {
          this.#end(read);
          read.reject(error);
        }
      }
    }
    this.#reading = false;
  }

  #answer(read: Read, members: Listed): void {
    // The roster may have changed meanwhile.
    if (this.#end(read)) this.#keep(read.conversationId, members);
    read.resolve(members);
  }

  /** @returns whether it was the latest of its conversation */
  #end(read: Read): boolean {
    return this.#reads.get(read.conversationId) === read && this.#reads.delete(read.conversationId);
  }

  async #read(conversationIds: string[]): Promise<Map<string, ListedMember[]>> {
    const rows = await this.#options.db
      .selectFrom('members')
      .select(['conversation_id', 'user_id', 'state'])
      .where(sql<boolean>`conversation_id = any(${conversationIds}::uuid[])`)
      .where('state', 'in', ['active', 'requested'])
      .execute();
    const lists = new Map<string, ListedMember[]>();
    for (const row of rows) {
      const member = { userId: this.#options.known(row.user_id), active: row.state === 'active' };
      const list = lists.get(row.conversation_id);
      if (list === undefined) lists.set(row.conversation_id, [member]);
      else list.push(member);
    }
    return lists;
  }

  #keep(conversationId: string, members: Listed): void {
    this.#drop(conversationId);
    this.#lists.set(conversationId, { members, until: this.#options.now() + this.#options.maxAgeMs });
    this.#kept += costOf(members);
    for (const oldest of this.#lists.keys()) {
      if (this.#kept <= this.#options.maxMembers) return;
      this.#drop(oldest);
    }
  }

  #drop(conversationId: string): void {
    const list = this.#lists.get(conversationId);
    if (list === undefined) return;
    this.#kept -= costOf(list.members);
    this.#lists.delete(conversationId);
  }
}
