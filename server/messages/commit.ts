import { CommitLane, type CommitOutcome, type LaneOptions } from './commit-lane';
import type { CommitInput } from './commit-statement';

/** The embedded database has one session. */
export const lanesOn = { embedded: 1, postgres: 2 } as const;

export interface CommitterOptions extends LaneOptions {
  /** Statements in flight at most. */
  lanes: number;
}

/**
 * Commits messages in a few lanes. A conversation keeps to its lane, so lanes never wait for each other's rows, and
 * messages of one device in one conversation are committed in the order in which they came. While the database
 * works for one lane, this process prepares another's batch and reads its answer.
 */
export class Committer {
  readonly #lanes: CommitLane[];

  constructor({ lanes, ...options }: CommitterOptions) {
    this.#lanes = Array.from({ length: lanes }, () => new CommitLane(options));
  }

  /** Messages that wait for a statement. */
  get queued(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.queued, 0);
  }

  /**
   * Resolves after the commit is durable.
   * @throws overloaded when too many wait, or the database's error
   */
  commit(input: CommitInput): Promise<CommitOutcome> {
    // Ids are random, or a hash: their last digits spread evenly.
    const place = Number.parseInt(input.message.conversationId.slice(-4), 16) % this.#lanes.length;
    const lane = this.#lanes[place];
    if (lane === undefined) return Promise.reject(new Error('There is no lane.'));
    return lane.commit(input);
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    for (const lane of this.#lanes) await lane.drained();
  }
}
