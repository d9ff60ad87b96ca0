import { AparteError, type ErrorCode, errors } from '../protocol/errors';
import { failureOf } from './api';
import { ConnectionLost } from './connection';
import { backoffMs } from './connection-state';
import type { OutboxRow, SealedIntent } from './db';
import { uploadPicture } from './picture-transfers';
import { refuse } from './refusals';
import { refreshConversations } from './roster';
import { IdentityChanged, messageOf, RecipientUnready, sealRow } from './seal';
import { markTried, settleSent } from './settle';
import type { Work } from './work';

/** Conversations that send at the same time; within one, each waits for the one before. */
const lanes = 8;
/** A mark waits so long, ms: nobody misses it, and what somebody waits for goes first. */
const markRestMs = 100;
/** The name of the lane that seals without a network. */
const ahead = 'ahead';

/**
 * Does what was asked for, per conversation in the order of asking. A row is deleted only when the server has it;
 * whatever happens before, the next run sends the same bytes under the same id.
 */
export class Outbox {
  readonly #busy = new Set<string>();
  readonly #tries = new Map<string, number>();
  readonly #timers = new Map<string, () => void>();
  /** The marks that wait their while, by conversation. */
  readonly #resting = new Map<string, () => void>();
  /** The mark that has waited, by conversation. */
  readonly #rested = new Map<string, number>();
  #idle: (() => void)[] = [];
  #stopped = false;

  constructor(
    private readonly work: Work,
    private readonly on: {
      /** Flush again. */
      kick: () => void;
      /** Others wrote before a message of ours: pull. */
      gap: (conversationId: string) => void;
      /** A request is accepted: its people have become mine. */
      joined: () => void;
    },
  ) {}

  /** Starts a lane for each conversation that has something to do and is not held back. */
  async flush(): Promise<void> {
    if (this.#stopped) return;
    if (!this.work.online()) return this.#sealAhead();
    const ids = await this.work.environment.db.outbox.orderBy('conversationId').uniqueKeys();
    for (const key of ids) {
      const conversationId = String(key);
      if (this.#busy.size >= lanes) return;
      if (this.#busy.has(conversationId) || this.#timers.has(conversationId)) continue;
      if (this.#resting.has(conversationId) && !(await this.#hasMore(conversationId))) continue;
      this.#busy.add(conversationId);
      void this.#drain(conversationId).finally(() => this.#free(conversationId));
    }
  }

  /** Whether something stands behind a mark. */
  async #hasMore(conversationId: string): Promise<boolean> {
    const waiting = this.work.environment.db.outbox.where('conversationId').equals(conversationId);
    return (await waiting.count()) > 1;
  }

  /**
   * Without a network messages are encrypted as far as that goes without questions, so that they can be sent by
   * whoever has the network first: this engine, or the service worker when no page is open.
   */
  async #sealAhead(): Promise<void> {
    if (this.#busy.size > 0) return;
    this.#busy.add(ahead);
    try {
      /** Conversations in which something stands first that only a connection can do. */
      const stuck = new Set<string>();
      for (const row of await this.work.environment.db.outbox.orderBy('id').toArray()) {
        if (this.#stopped || this.work.online()) break;
        const { conversationId, intent } = row;
        const isSaid = intent.kind === 'message' || intent.kind === 'mark';
        if (!isSaid) stuck.add(conversationId);
        else if (intent.kind === 'message' && !row.sealed && !stuck.has(conversationId))
          if (!(await this.#sealOneAhead(row))) stuck.add(conversationId);
      }
    } finally {
      this.#free(ahead);
    }
  }

  async #sealOneAhead(row: OutboxRow): Promise<boolean> {
    const conversation = await this.work.environment.db.conversations.get(row.conversationId);
    if (!conversation || conversation.rosterVersion === 0) return false;
    try {
      return await sealRow(this.work, row, conversation, 0, false);
    } catch (error) {
      // A key is missing, and only the server has it, or somebody has to look at an identity.
      this.work.environment.log('sealing ahead', error);
      return false;
    }
  }

  /** A new connection: what waited for a better time need not wait. */
  hurry(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.hurry();
    for (const cancel of this.#resting.values()) cancel();
    if (this.#busy.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #free(conversationId: string): void {
    this.#busy.delete(conversationId);
    if (this.#busy.size === 0) {
      for (const resolve of this.#idle) resolve();
      this.#idle = [];
    }
    // Sealing ahead would else call for itself for ever.
    if (this.work.online()) this.on.kick();
  }

  async #drain(conversationId: string): Promise<void> {
    const { db } = this.work.environment;
    while (!this.#stopped && this.work.online()) {
      const [row, next] = await db.outbox.where('conversationId').equals(conversationId).limit(2).toArray();
      if (!row) break;
      if (row.intent.kind === 'mark' && !next && this.#rested.get(conversationId) !== row.id) {
        this.#rest(row);
        return;
      }
      try {
        const done = await this.#perform(row);
        if (done) this.#rested.delete(conversationId);
        if (done) this.#tries.delete(conversationId);
        else this.#holdBack(conversationId);
      } catch (error) {
        if (!(await this.#failed(row, error))) this.#holdBack(conversationId);
      }
      if (this.#timers.has(conversationId)) return;
    }
  }

  /**
   * A mark that nothing stands behind waits a moment: what one's own devices are told of the same reading goes first,
   * and of several marks in a row one does.
   */
  #rest({ conversationId, id }: OutboxRow): void {
    if (this.#resting.has(conversationId)) return;
    const cancel = this.work.environment.after(markRestMs, () => {
      this.#resting.delete(conversationId);
      this.#rested.set(conversationId, id);
      this.on.kick();
    });
    this.#resting.set(conversationId, cancel);
  }

  #holdBack(conversationId: string): void {
    if (this.#stopped) return;
    const { after, random } = this.work.environment;
    const tries = (this.#tries.get(conversationId) ?? 0) + 1;
    this.#tries.set(conversationId, tries);
    const cancel = after(backoffMs(tries - 1, random()), () => {
      this.#timers.delete(conversationId);
      this.on.kick();
    });
    this.#timers.set(conversationId, cancel);
  }

  /** @returns whether the row is done; false: try again later */
  async #perform(row: OutboxRow): Promise<boolean> {
    const { intent, conversationId } = row;
    if (intent.kind === 'message' || intent.kind === 'mark') return this.#say(row);
    const { conversations } = this.work.environment.api;
    if (intent.kind === 'create') {
      const { conversationKind: kind, memberIds } = intent;
      await conversations.create.mutate({ conversationId, kind, memberIds });
    } else if (intent.kind === 'add') {
      await conversations.addMembers.mutate({ conversationId, userIds: intent.userIds });
    } else if (intent.kind === 'remove') {
      await conversations.removeMember.mutate({ conversationId, userId: intent.userId });
    } else if (intent.kind === 'role') {
      await conversations.setRole.mutate({ conversationId, userId: intent.userId, role: intent.role });
    } else if (intent.kind === 'unblock') {
      await this.work.environment.api.accounts.unblock.mutate({ userId: intent.userId });
    } else {
      await conversations[intent.kind].mutate({ conversationId });
    }
    await refreshConversations(this.work, [conversationId]);
    await this.work.environment.db.outbox.delete(row.id);
    if (intent.kind === 'accept') this.on.joined();
    return true;
  }

  async #say(row: OutboxRow): Promise<boolean> {
    const { db } = this.work.environment;
    const conversation = await db.conversations.get(row.conversationId);
    if (!conversation || conversation.rosterVersion === 0) {
      await refreshConversations(this.work, [row.conversationId]);
      if (((await db.conversations.get(row.conversationId))?.rosterVersion ?? 0) === 0) {
        throw new AparteError('not_found');
      }
      return this.#say(row);
    }
    const tries = this.#tries.get(row.conversationId) ?? 0;
    if (!row.sealed) await sealRow(this.work, row, conversation, tries, true);
    await uploadPicture(this.work.environment, row, this.work.line());
    const sealed = await markTried(db, row.id);
    // Taken back or written anew in the meantime: what stands first now is next.
    if (!sealed) return true;
    const result = await this.work.send(messageOf(row.conversationId, sealed));
    if (result.status === 'stale') return this.#mendStale(row, sealed);
    // Only now: what a gap starts must not run inside the transaction.
    if (await settleSent(db, this.work.me, row, sealed, result)) this.on.gap(conversation.conversationId);
    return true;
  }

  /** @returns false when it has been stale too often in a row to try again at once */
  async #mendStale(row: OutboxRow, sealed: SealedIntent): Promise<boolean> {
    const { db } = this.work.environment;
    await refreshConversations(this.work, [row.conversationId]);
    const conversation = await db.conversations.get(row.conversationId);
    if (!conversation) throw new AparteError('not_found');
    const tries = this.#tries.get(row.conversationId) ?? 0;
    await sealRow(this.work, { ...row, sealed }, conversation, tries, true);
    const stales = (this.#tries.get(row.conversationId) ?? 0) + 1;
    this.#tries.set(row.conversationId, stales);
    return stales < 5;
  }

  /** @returns whether the row is done with: refused for good */
  async #failed(row: OutboxRow, error: unknown): Promise<boolean> {
    if (error instanceof ConnectionLost || error instanceof RecipientUnready) {
      if (error instanceof RecipientUnready) this.work.environment.log('a recipient could not be reached');
      return false;
    }
    // It waits until a person has looked at the new identity.
    if (error instanceof IdentityChanged) return false;
    const code = codeOf(error);
    if (code === 'offline' || errors[code].retry) {
      if (code === 'internal') this.work.environment.log('outbox', error);
      return false;
    }
    await this.#refuse(row, code);
    return true;
  }

  async #refuse(row: OutboxRow, failure: ErrorCode): Promise<void> {
    const { environment, me } = this.work;
    const latest = (await environment.db.outbox.get(row.id)) ?? row;
    await refuse(environment.db, latest, failure, me.userId, environment.now());
    if (row.intent.kind !== 'create' && row.intent.kind !== 'message' && row.intent.kind !== 'mark') {
      // What was shown at once is put right.
      await refreshConversations(this.work, [row.conversationId]);
    }
  }
}

function codeOf(error: unknown): ErrorCode | 'offline' {
  if (error instanceof AparteError) return error.code;
  return failureOf(error);
}
