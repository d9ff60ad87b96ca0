import type { PushKeys } from './keys';
import type { Subscription } from './subscriptions';
import type { PushTransport } from './transport';

/** What becomes of a wish to wake a device. */
export const pushOutcomes = [
  'sent',
  'retried',
  'failed',
  'pruned',
  'dropped',
  'connected',
  'coalesced',
] as const;
export type PushOutcome = (typeof pushOutcomes)[number];

export interface PusherOptions {
  /** Where the devices of these users, and these devices, are woken. */
  find(userIds: string[], deviceIds: string[]): Promise<Subscription[]>;
  /** Forgets an address that the push service does not know any more. */
  prune(subscription: Subscription): Promise<void>;
  /** Which of these devices have a connection: what there is, they have been sent. */
  connected(devices: readonly Subscription[]): Promise<ReadonlySet<string>>;
  keys: PushKeys;
  transport: PushTransport;
  now: () => number;
  random: () => number;
  /** Calls back once after `ms`. @returns what cancels it */
  after(ms: number, call: () => void): () => void;
  /** Something of `pushOutcomes` has happened. */
  count?: (outcome: PushOutcome) => void;
  /** A failure without addresses or keys. */
  onError(error: unknown): void;
  bounds?: Partial<PusherBounds>;
}

export interface PusherBounds {
  /** Messages within so long make one look for whom to wake. A device that comes back meanwhile needs none. */
  lookAfterMs: number;
  /** A device is woken at most this often. */
  deviceEveryMs: number;
  /** A connection that broke may have been dead for so long before it was noticed. */
  deadForMs: number;
  /** Users who wait for a look; more are passed over, and woken by the next message. */
  maxUsers: number;
  /** Devices that wait to be woken. */
  maxQueue: number;
  /** Requests under way. */
  concurrency: number;
  /** Tries of one push in all. */
  tries: number;
  retryMs: number;
  retryMaxMs: number;
}

const defaults: PusherBounds = {
  lookAfterMs: 1_000,
  deviceEveryMs: 5_000,
  deadForMs: 90_000,
  maxUsers: 50_000,
  maxQueue: 10_000,
  concurrency: 32,
  tries: 5,
  retryMs: 2_000,
  retryMaxMs: 3_600_000,
};

interface Job {
  subscription: Subscription;
  tries: number;
  notBefore: number;
  running: boolean;
  /** Something came while it was under way. */
  again: boolean;
}

/** When somebody was last told of something is known to this: to note it anew for each message costs as much as telling. */
const recentStepMs = 1_000;

/**
 * Wakes devices that are not connected by their push services. In memory: a push that a dying node loses is made good
 * by the next message. Every device has at most one push waiting or under way.
 */
export class Pusher {
  /** How often each thing happened since the start, for whoever measures. */
  readonly counts: Record<PushOutcome, number> = {
    sent: 0,
    retried: 0,
    failed: 0,
    pruned: 0,
    dropped: 0,
    connected: 0,
    coalesced: 0,
  };
  readonly #bounds: PusherBounds;
  readonly #jobs = new Map<string, Job>();
  #users = new Set<string>();
  #devices = new Set<string>();
  /** By user: when they were last to be told of something. */
  readonly #recent = new Map<string, number>();
  readonly #lastPush = new Map<string, number>();
  #running = 0;
  #looking: Promise<void> | null = null;
  #cancelLook: (() => void) | null = null;
  #cancelPump: (() => void) | null = null;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(private readonly options: PusherOptions) {
    this.#bounds = { ...defaults, ...options.bounds };
  }

  /** Devices that wait to be woken. */
  get queued(): number {
    return this.#jobs.size;
  }

  get #recentForMs(): number {
    return this.#bounds.deadForMs + recentStepMs;
  }

  /** There is something new for these users. */
  wake(userIds: readonly string[]): void {
    if (this.#closed) return;
    const now = this.options.now();
    for (const userId of userIds) {
      if (this.#users.size < this.#bounds.maxUsers) this.#users.add(userId);
      else this.#count('dropped');
      const at = this.#recent.get(userId);
      if (at !== undefined && now - at < recentStepMs) continue;
      this.#recent.delete(userId);
      this.#recent.set(userId, now);
    }
    this.#forget(this.#recent, this.#recentForMs, this.#bounds.maxUsers);
    this.#lookSoon();
  }

  /** A connection of this device broke without a word: what it was sent lately may not have arrived. */
  lost(userId: string, deviceId: string): void {
    const at = this.#recent.get(userId);
    if (this.#closed || at === undefined || at < this.options.now() - this.#recentForMs) return;
    if (this.#devices.size < this.#bounds.maxUsers) this.#devices.add(deviceId);
    this.#lookSoon();
  }

  /** Resolves when nothing is under way; what waits is forgotten. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook?.();
    this.#cancelPump?.();
    await this.#looking;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#jobs.clear();
  }

  #lookSoon(): void {
    if (this.#users.size + this.#devices.size === 0) return;
    this.#cancelLook ??= this.options.after(this.#bounds.lookAfterMs, () => {
      this.#looking = this.#look()
        .catch((error: unknown) => this.options.onError(error))
        .finally(() => {
          this.#cancelLook = null;
          this.#looking = null;
          if (!this.#closed) this.#lookSoon();
        });
    });
  }

  async #look(): Promise<void> {
    const [users, devices] = [[...this.#users], [...this.#devices]];
    this.#users = new Set();
    this.#devices = new Set();
    const found = await this.options.find(users, devices);
    const connected = await this.options.connected(found);
    this.#forget(this.#lastPush, this.#bounds.deviceEveryMs, this.#bounds.maxUsers);
    for (const subscription of found) {
      if (connected.has(subscription.deviceId)) this.#count('connected');
      else this.#enqueue(subscription);
    }
    this.#pump();
  }

  #enqueue(subscription: Subscription): void {
    const { deviceId } = subscription;
    const known = this.#jobs.get(deviceId);
    if (known) {
      // One that waits says all that a second would. One that is under way may be read before this news is.
      this.#count('coalesced');
      known.again = known.running;
      if (known.subscription.endpoint !== subscription.endpoint) known.tries = 0;
      known.subscription = subscription;
      return;
    }
    if (this.#jobs.size >= this.#bounds.maxQueue) {
      this.#count('dropped');
      return;
    }
    const last = this.#lastPush.get(deviceId);
    const notBefore = last === undefined ? 0 : last + this.#bounds.deviceEveryMs;
    this.#jobs.set(deviceId, { subscription, tries: 0, notBefore, running: false, again: false });
  }

  #pump(): void {
    this.#cancelPump?.();
    this.#cancelPump = null;
    if (this.#closed) return;
    const now = this.options.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [deviceId, job] of this.#jobs) {
      if (job.running) continue;
      if (job.notBefore > now) next = Math.min(next, job.notBefore);
      else if (this.#running < this.#bounds.concurrency) this.#start(deviceId, job);
      // The next one to end calls again.
      else return;
    }
    if (next !== Number.POSITIVE_INFINITY)
      this.#cancelPump = this.options.after(Math.max(1, next - now), () => this.#pump());
  }

  #start(deviceId: string, job: Job): void {
    job.running = true;
    this.#running += 1;
    void this.#push(deviceId, job)
      .catch((error: unknown) => {
        this.options.onError(error);
        this.#jobs.delete(deviceId);
      })
      .finally(() => {
        this.#running -= 1;
        if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
        this.#pump();
      });
  }

  async #push(deviceId: string, job: Job): Promise<void> {
    const { subscription } = job;
    if ((await this.options.connected([subscription])).has(deviceId)) {
      this.#count('connected');
      this.#jobs.delete(deviceId);
      return;
    }
    job.tries += 1;
    const answer = await this.#ask(subscription);
    job.running = false;
    if (answer.status >= 200 && answer.status < 300) {
      this.#count('sent');
      this.#lastPush.delete(deviceId);
      this.#lastPush.set(deviceId, this.options.now());
      this.#jobs.delete(deviceId);
      if (job.again) this.#enqueue(job.subscription);
    } else if (answer.status === 404 || answer.status === 410) {
      this.#count('pruned');
      this.#jobs.delete(deviceId);
      await this.options.prune(subscription);
    } else if (isPassing(answer.status) && job.tries < this.#bounds.tries) {
      this.#count('retried');
      job.again = false;
      job.notBefore = this.options.now() + this.#backoffMs(job.tries, answer.retryAfterMs);
    } else {
      this.#count('failed');
      this.#jobs.delete(deviceId);
    }
  }

  async #ask(subscription: Subscription) {
    try {
      return await this.options.transport(subscription, this.options.keys);
    } catch {
      // No answer: the push service or the way to it is away, which passes. The error could name the address.
      return { status: 0, retryAfterMs: null };
    }
  }

  #backoffMs(tries: number, asked: number | null): number {
    const { retryMs, retryMaxMs } = this.#bounds;
    const own = retryMs * 4 ** (tries - 1) * (0.5 + this.options.random() / 2);
    return Math.min(retryMaxMs, Math.max(own, asked ?? 0));
  }

  #count(outcome: PushOutcome): void {
    this.counts[outcome] += 1;
    this.options.count?.(outcome);
  }

  /** Drops what is older than `ms`, and the oldest beyond `max`. Maps are in the order of their times. */
  #forget(times: Map<string, number>, ms: number, max: number): void {
    const since = this.options.now() - ms;
    for (const [key, at] of times) {
      if (at >= since && times.size <= max) return;
      times.delete(key);
    }
  }
}

/** Too many requests, the service's own trouble, or no answer at all. */
const isPassing = (status: number) => status === 0 || status === 408 || status === 429 || status >= 500;
