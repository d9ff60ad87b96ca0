import { type Delivery, usersOf } from '../broker';

interface Target {
  queue: Delivery[];
  queuedBytes: number;
  /** The number of the last parcel. */
  number: number;
  /** The last parcel that had something for a user, the oldest first. */
  readonly users: Map<string, number>;
  /** Of parcels up to this number it is not known any more whom they were for. */
  forgottenTo: number;
}

export interface Parcel {
  readonly nodeId: string;
  readonly number: number;
  readonly deliveries: Delivery[];
}

const maxQueuedBytes = 16 * 1024 * 1024;
const maxUsers = 20_000;
/** Nodes that ever were. */
const maxTargets = 10_000;

/**
 * What is bound for other nodes, in numbered parcels, so that a node that misses a number knows it. Who a parcel was
 * for is remembered for a while, its content is not: the database has that.
 */
export class Outbox {
  readonly #targets = new Map<string, Target>();

  /** Adds to what goes next. */
  put(nodeId: string, sent: Delivery): void {
    const target = this.#targetOf(nodeId);
    const bytes = sent.kind === 'close' ? 100 : sent.frame.length;
    const number = target.number + 1;
    for (const userId of usersOf(sent)) this.#remember(target, userId, number);
    // Too much: the parcel goes without it, and one more number is used, so that its reader asks.
    if (target.queuedBytes + bytes > maxQueuedBytes) {
      target.number = number;
      for (const userId of usersOf(sent)) this.#remember(target, userId, number);
      return;
    }
    target.queue.push(sent);
    target.queuedBytes += bytes;
  }

  #targetOf(nodeId: string): Target {
    let target = this.#targets.get(nodeId);
    if (target === undefined) {
      target = { queue: [], queuedBytes: 0, number: 0, users: new Map(), forgottenTo: 0 };
      this.#targets.set(nodeId, target);
    }
    return target;
  }

  #remember({ users }: Target, userId: string, number: number): void {
    users.delete(userId);
    users.set(userId, number);
  }

  /** Everything that waits, one parcel for each node. They count as sent, whatever becomes of them. */
  take(): Parcel[] {
    const parcels: Parcel[] = [];
    for (const [nodeId, target] of this.#targets) {
      if (target.queue.length === 0) continue;
      target.number += 1;
      parcels.push({ nodeId, number: target.number, deliveries: target.queue });
      target.queue = [];
      target.queuedBytes = 0;
      for (const [userId, number] of target.users) {
        if (target.users.size <= maxUsers) break;
        target.users.delete(userId);
        target.forgottenTo = number;
      }
    }
    return parcels;
  }

  /** The number of the last parcel to each node. */
  sent(): Record<string, number> {
    return Object.fromEntries([...this.#targets].map(([nodeId, { number }]) => [nodeId, number]));
  }

  /** For whom the parcels to a node after a number were; null when that is not known any more. */
  usersAfter(nodeId: string, after: number): string[] | null {
    const target = this.#targets.get(nodeId);
    if (target === undefined || after < target.forgottenTo) return target === undefined ? [] : null;
    return [...target.users].filter(([, number]) => number > after).map(([userId]) => userId);
  }

  nodeIds(): string[] {
    return [...this.#targets.keys()];
  }

  /** A node is not heard any more. Its number is kept: it may have been away only, and count on. */
  forget(nodeId: string): void {
    const target = this.#targets.get(nodeId);
    if (target === undefined) return;
    target.queue = [];
    target.queuedBytes = 0;
    target.users.clear();
    target.forgottenTo = target.number;
    if (this.#targets.size <= maxTargets) return;
    const oldest = this.#targets.keys().next();
    if (!oldest.done) this.#targets.delete(oldest.value);
  }
}
