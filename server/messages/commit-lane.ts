import type pg from 'pg';
import { AparteError } from '../../lib/protocol/errors';
import { type Metrics, stopwatch } from '../metrics/metrics';
import { commitAloneAnswer, commitAloneText, commitAloneValues } from './commit-alone';
import {
  type CommitInput,
  type CommitStatus,
  commitAnswer,
  commitText,
  commitValues,
} from './commit-statement';
import { Rosters } from './rosters';

/** What became of one message. */
export interface CommitOutcome {
  status: CommitStatus;
  /** `null`: there is no such conversation. */
  rosterVersion: number | null;
  /** 0 for a mark. */
  seq: number;
  /** Of the commit, or of the earlier one of the same message; ms. */
  at: number;
  /** The members who receive it. */
  userIds: string[];
  /** Ids of the stored envelopes by their index in the message; those dropped are missing. */
  envelopeIds: ReadonlyMap<number, number>;
}

export interface LaneOptions {
  pool: Pick<pg.Pool, 'query'>;
  now: () => number;
  /** Most messages in one statement. */
  maxBatch: number;
  /** Most bytes of ciphertext and envelopes in one statement; a single larger message still goes alone. */
  maxBatchBytes: number;
  /** Most messages waiting; more are refused with `overloaded`. */
  maxQueue: number;
  metrics: Metrics;
}

interface Waiting extends CommitInput {
  resolve(outcome: CommitOutcome): void;
  reject(error: unknown): void;
}

/**
 * Commits messages in batches: what arrives while a statement is in flight is the next batch. One in flight and no
 * timer, so an idle server commits at once and a busy one shares the statement and its fsync.
 * Messages of one device are committed in the order in which they came to the lane.
 */
export class CommitLane {
  readonly #options: LaneOptions;
  readonly #rosters = new Rosters();
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Messages that wait for a statement. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Resolves after the commit is durable.
   * @throws overloaded when too many wait, or the database's error
   */
  commit(input: CommitInput): Promise<CommitOutcome> {
    if (this.#queue.length >= this.#options.maxQueue) return Promise.reject(new AparteError('overloaded'));
    const seconds = stopwatch();
    return new Promise((resolve, reject) => {
      this.#queue.push({
        sender: input.sender,
        message: input.message,
        resolve: (outcome) => {
          this.#count(input, outcome, seconds());
          resolve(outcome);
        },
        reject,
      });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // What arrives in the same turn shares the first statement.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#commitBatch(this.#take());
    // In the same turn as the last look at the queue, or what comes in between would wait for ever.
    this.#running = undefined;
  }

  /**
   * The head of the queue. A repeated key would meet its twin within the statement, so it waits for the next batch,
   * and with it all that came from its device later.
   */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    const keys = new Set<string>();
    const held = new Set<string>();
    let bytes = 0;
    let index = 0;
    for (; index < this.#queue.length && batch.length < this.#options.maxBatch; index++) {
      const item = this.#queue[index];
      if (item === undefined) break;
      const size = sizeOf(item);
      if (batch.length > 0 && bytes + size > this.#options.maxBatchBytes) break;
      const key = keyOf(item);
      if (held.has(item.sender.deviceId) || keys.has(key)) {
        held.add(item.sender.deviceId);
        rest.push(item);
        continue;
      }
      keys.add(key);
      bytes += size;
      batch.push(item);
    }
    this.#queue = rest.concat(this.#queue.slice(index));
    return batch;
  }

  async #commitBatch(batch: Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#execute(batch);
      outcomes.forEach((outcome, index) => {
        batch[index]?.resolve(outcome);
      });
    } catch (error) {
      if (batch.length === 1) await this.#commitAgain(batch[0], error);
      // One message's fault must not fail its neighbours.
      else for (const item of batch) await this.#commitBatch([item]);
    }
  }

  /** Alone, a race with another node is lost only once: the second try sees what the other has stored. */
  async #commitAgain(item: Waiting | undefined, firstError: unknown): Promise<void> {
    if (item === undefined) return;
    if (!isRace(firstError)) {
      item.reject(firstError);
      return;
    }
    try {
      const [outcome] = await this.#execute([item]);
      if (outcome === undefined) throw new Error('The commit answered nothing.');
      item.resolve(outcome);
    } catch (error) {
      item.reject(error);
    }
  }

  #count({ message }: CommitInput, { status, envelopeIds }: CommitOutcome, seconds: number): void {
    const { metrics } = this.#options;
    metrics.commitSeconds.add(seconds);
    metrics.commits[status].add();
    if (status !== 'sent') return;
    metrics.messagesStored[message.slot].add();
    metrics.envelopesStored.add(envelopeIds.size);
  }

  async #execute(batch: readonly Waiting[]): Promise<CommitOutcome[]> {
    const { metrics } = this.#options;
    metrics.batchMessages.add(batch.length);
    metrics.batchBytes.add(batch.reduce((sum, item) => sum + sizeOf(item), 0));
    const [first] = batch;
    if (batch.length === 1 && first !== undefined && isPlain(first)) {
      const outcome = await this.#executeAlone(first);
      if (outcome !== undefined) return [outcome];
    }
    const known = batch.map(({ sender, message }) => {
      const roster = this.#rosters.at(message.conversationId, message.rosterVersion);
      return roster?.senders.has(sender.deviceId) ? roster : undefined;
    });
    const isKnown = known.map((roster) => roster !== undefined);
    const values = commitValues(batch, this.#options.now(), isKnown);
    const answer = await this.#options.pool.query({ name: 'commit', text: commitText, values });
    const [{ rows, envelopes }] = commitAnswer.parse(answer.rows);
    if (rows.length !== batch.length) throw new Error('The commit answered another number of rows.');
    const idsByOrd = new Map(envelopes ?? []);
    const receivers = new Map<string, string[]>();
    let ord = 1;
    return rows.map(([status, rosterVersion, seq, at, userIds], index) => {
      const { message, sender } = batch[index] ?? {};
      const conversationId = message?.conversationId ?? '';
      if (status === 'sent') {
        const told = userIds ?? known[index]?.userIds;
        if (told !== undefined) receivers.set(conversationId, told);
        this.#rosters.learn(conversationId, rosterVersion ?? 0, sender?.deviceId ?? '', userIds);
      }
      const count = message?.envelopes.length ?? 0;
      const envelopeIds = count === 0 ? none : placesOf(idsByOrd, ord, count);
      ord += count;
      return { status, rosterVersion, seq, at, userIds: receivers.get(conversationId) ?? [], envelopeIds };
    });
  }

  /** @returns undefined where it is not to be stored, or not by this, and nothing was done */
  async #executeAlone(input: CommitInput): Promise<CommitOutcome | undefined> {
    const { conversationId, rosterVersion } = input.message;
    const roster = this.#rosters.at(conversationId, rosterVersion);
    const at = this.#options.now();
    const values = commitAloneValues(input, at, roster);
    const answer = await this.#options.pool.query({ name: 'commit_alone', text: commitAloneText, values });
    const [stored] = commitAloneAnswer.parse(answer.rows);
    if (stored === undefined) return undefined;
    this.#rosters.learn(conversationId, rosterVersion, input.sender.deviceId, stored.userIds);
    const userIds = roster?.userIds ?? stored.userIds ?? [];
    return { status: 'sent', rosterVersion, seq: stored.seq, at, userIds, envelopeIds: none };
  }
}

const isPlain = ({ message }: CommitInput) => message.slot === 'log' && message.envelopes.length === 0;

/** Most messages have no envelopes. */
const none: ReadonlyMap<number, number> = new Map();

/** The ids of one message's envelopes, which stand from `first` on among those of the batch, by their place in it. */
function placesOf(idsByOrd: ReadonlyMap<number, number>, first: number, count: number): Map<number, number> {
  const ids = new Map<number, number>();
  for (let place = 0; place < count; place++) {
    const id = idsByOrd.get(first + place);
    if (id !== undefined) ids.set(place, id);
  }
  return ids;
}

const keyOf = ({ sender, message }: CommitInput) =>
  message.slot === 'mark'
    ? `${sender.deviceId}|mark|${message.conversationId}`
    : `${sender.deviceId}|log|${message.clientId}`;

const sizeOf = ({ message }: CommitInput) =>
  message.envelopes.reduce((sum, envelope) => sum + envelope.content.length, message.ciphertext.length);

/** Unique violation, serialization failure, deadlock. */
function isRace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === '23505' || code === '40001' || code === '40P01';
}
