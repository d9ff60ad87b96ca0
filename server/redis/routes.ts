/** A device, and the node that it is connected to. */
export interface Place {
  readonly deviceId: string;
  readonly nodeId: string;
}

interface Route {
  readonly places: readonly Place[];
  /** When it was last used, in ms. */
  usedAt: number;
}

export interface RoutesOptions {
  /** Looks up where users are. Redis says when that changes afterwards. */
  find: (userIds: readonly string[]) => Promise<(readonly Place[])[]>;
  /** A user has come to these nodes, perhaps before what was routed lately: their devices there should look. */
  moved: (userId: string, nodeIds: readonly string[]) => void;
  /** Milliseconds that only grow. */
  now: () => number;
  maxUsers?: number;
  maxWaiting?: number;
}

interface Waiting {
  readonly userIds: readonly string[];
  readonly routed: (places: ReadonlyMap<string, readonly Place[]>) => void;
  readonly failed: () => void;
}

/** A route that was used so long ago led nobody astray who has come since: registering takes less. */
const lookBackMs = 60_000;
const maxLookUp = 1_000;
/**
 * Some 300 bytes each. Fewer than there are people who write in a cluster would mean asking for nearly all of a large
 * conversation at each message, with all that comes after it waiting for the answer.
 */
const maxKnown = 100_000;

/**
 * Remembers where users are connected, so that routing a message asks nobody. What is not known is looked up, one
 * look-up at a time: whatever is to be routed meanwhile waits, in its order, and shares the next.
 */
export class Routes {
  readonly #options: Required<RoutesOptions>;
  readonly #known = new Map<string, Route>();
  /** Routes that were used and then changed: what comes new in them has missed something. */
  readonly #changed = new Map<string, Route>();
  #queue: Waiting[] = [];
  #looking: Set<string> | null = null;
  /** Of those being looked up, who has moved since: the answer may be older than that. */
  readonly #dirty = new Set<string>();
  #epoch = 0;

  constructor(options: RoutesOptions) {
    this.#options = { maxUsers: maxKnown, maxWaiting: 20_000, ...options };
  }

  /** How many users are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** Calls one of the two, at once where everything is known, and in the order of the calls. */
  route(userIds: readonly string[], routed: Waiting['routed'], failed: () => void): void {
    if (this.#queue.length >= this.#options.maxWaiting) {
      failed();
      return;
    }
    this.#queue.push({ userIds, routed, failed });
    if (this.#looking === null) this.#work();
  }

  /** Something has changed about where a user is. */
  changed(userId: string): void {
    if (this.#looking?.has(userId)) this.#dirty.add(userId);
    const route = this.#known.get(userId);
    if (route === undefined) return;
    this.#known.delete(userId);
    if (this.#options.now() - route.usedAt > lookBackMs || this.#changed.size >= this.#options.maxUsers)
      return;
    this.#changed.set(userId, route);
    this.route(
      [userId],
      () => undefined,
      () => undefined,
    );
  }

  /** Nothing that is remembered holds any more, and nobody can be asked. */
  clear(): void {
    this.#epoch += 1;
    this.#known.clear();
    this.#changed.clear();
    this.#looking = null;
    const queue = this.#queue;
    this.#queue = [];
    for (const { failed } of queue) failed();
  }

  /** Routes the head of the queue as far as all is known, then looks up what is not. */
  #work(): void {
    let done = 0;
    for (const { userIds, routed } of this.#queue) {
      const places = this.#placesOf(userIds);
      if (places === null) break;
      done += 1;
      routed(places);
    }
    this.#queue.splice(0, done);
    if (this.#queue.length > 0) void this.#lookUp();
  }

  #placesOf(userIds: readonly string[]): Map<string, readonly Place[]> | null {
    const now = this.#options.now();
    const places = new Map<string, readonly Place[]>();
    for (const userId of userIds) {
      const route = this.#known.get(userId);
      if (route === undefined) return null;
      route.usedAt = now;
      if (route.places.length > 0) places.set(userId, route.places);
    }
    return places;
  }

  async #lookUp(): Promise<void> {
    const epoch = this.#epoch;
    const missing = new Set<string>();
    for (const { userIds } of this.#queue) {
      // Whole items: the head's users are all found by this one.
      if (missing.size > 0 && missing.size + userIds.length > maxLookUp) break;
      for (const userId of userIds) if (!this.#known.has(userId)) missing.add(userId);
    }
    this.#looking = missing;
    this.#dirty.clear();
    const asked = [...missing];
    try {
      const found = await this.#options.find(asked);
      if (epoch !== this.#epoch) return;
      asked.forEach((userId, index) => {
        if (!this.#dirty.has(userId)) this.#learn(userId, found[index] ?? []);
      });
    } catch {
      // The link is going; who notices it clears. Until then what waits has failed.
      if (epoch === this.#epoch) this.clear();
      return;
    }
    this.#looking = null;
    this.#work();
  }

  #learn(userId: string, places: readonly Place[]): void {
    const before = this.#changed.get(userId);
    this.#changed.delete(userId);
    if (this.#known.size >= this.#options.maxUsers) {
      const oldest = this.#known.keys().next();
      if (!oldest.done) this.#known.delete(oldest.value);
    }
    this.#known.set(userId, { places, usedAt: before?.usedAt ?? 0 });
    if (before === undefined) return;
    const old = new Set(before.places.map((place) => place.nodeId));
    const come = new Set(places.map((place) => place.nodeId).filter((nodeId) => !old.has(nodeId)));
    if (come.size > 0) this.#options.moved(userId, [...come]);
  }
}
