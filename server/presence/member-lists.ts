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
  /** Members in all lists together; beyond it the list that was read longest ago is dropped. */
  maxMembers?: number;
}

type Listed = readonly ListedMember[];

/**
 * Who may hear what is said in a conversation and not stored, kept for a while: each key pressed would be a query
 * otherwise. A list is asked for by a member who is connected here, so the node is told of every change of it.
 */
export class MemberLists {
  readonly #options: Required<MemberListsOptions>;
  readonly #lists = new Map<string, { members: Listed; until: number }>();
  readonly #reads = new Map<string, Promise<Listed>>();
  #kept = 0;

  constructor(options: MemberListsOptions) {
    this.#options = { maxMembers: 200_000, ...options };
  }

  /** Those who are active or asked. */
  of(conversationId: string): Listed | Promise<Listed> {
    const list = this.#lists.get(conversationId);
    if (list !== undefined && list.until > this.#options.now()) return list.members;
    return this.#reads.get(conversationId) ?? this.#start(conversationId);
  }

  /** The roster has changed: what was read before that, or is being read, is kept no longer. */
  forget(conversationId: string): void {
    this.#reads.delete(conversationId);
    this.#drop(conversationId);
  }

  #start(conversationId: string): Promise<Listed> {
    const read: Promise<Listed> = this.#read(conversationId)
      .then((members) => {
        if (this.#reads.get(conversationId) === read) this.#keep(conversationId, members);
        return members;
      })
      .finally(() => {
        if (this.#reads.get(conversationId) === read) this.#reads.delete(conversationId);
      });
    this.#reads.set(conversationId, read);
    return read;
  }

  async #read(conversationId: string): Promise<Listed> {
    const rows = await this.#options.db
      .selectFrom('members')
      .select(['user_id', 'state'])
      .where('conversation_id', '=', conversationId)
      .where('state', 'in', ['active', 'requested'])
      .execute();
    return rows.map((row) => ({ userId: row.user_id, active: row.state === 'active' }));
  }

  #keep(conversationId: string, members: Listed): void {
    this.#drop(conversationId);
    this.#lists.set(conversationId, { members, until: this.#options.now() + this.#options.maxAgeMs });
    this.#kept += members.length;
    for (const oldest of this.#lists.keys()) {
      if (this.#kept <= this.#options.maxMembers) return;
      this.#drop(oldest);
    }
  }

  #drop(conversationId: string): void {
    const list = this.#lists.get(conversationId);
    if (list === undefined) return;
    this.#kept -= list.members.length;
    this.#lists.delete(conversationId);
  }
}
