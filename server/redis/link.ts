import { Redis } from 'ioredis';
import { channelOf, commonChannel, invalidationChannel } from './wire';

export interface LinkOptions {
  url: string;
  nodeId: string;
  onMessage: (channel: string, text: string) => void;
  /** Both connections are up, and Redis says which of the keys that are read change. */
  onUp: () => void;
  /** One of them is gone. */
  onDown: () => void;
  onError: (error: Error) => void;
}

const connectTimeoutMs = 3_000;
/** So many looks in a row may find an answer due and nothing come. */
const silentLooksMost = 1;

/**
 * Two connections to Redis, one that asks and one that listens, which count as one link: it is up while both are.
 * They come back by themselves, also when Redis hangs, or is a replica after a failover.
 */
export class Link {
  readonly redis: Redis;
  readonly #subscriber: Redis;
  readonly #options: LinkOptions;
  #subscriberId: number | null = null;
  #asks = false;
  #up = false;
  #open = true;
  /** How much each connection had read at the last look, and how many looks in a row found it silent. */
  readonly #seen = new Map<Redis, { bytes: number; silentLooks: number }>();

  constructor(options: LinkOptions) {
    this.#options = options;
    const { url, onError } = options;
    const shared = {
      protocol: 2,
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      // What was asked of a connection that closes fails at once: ioredis would forget it, and nobody be answered.
      maxRetriesPerRequest: 0,
      connectTimeout: connectTimeoutMs,
      retryStrategy: (times: number) =>
        Math.min(50 * 2 ** Math.min(times, 5), 500) * (0.5 + Math.random() / 2),
      // After a failover the address may lead to what is a replica now.
      reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    } as const;
    this.redis = new Redis(url, shared);
    this.#subscriber = new Redis(url, shared);
    for (const one of [this.redis, this.#subscriber]) one.on('error', onError);
    this.redis.on('ready', () => {
      this.#asks = true;
      this.#settle();
    });
    this.redis.on('close', () => {
      this.#asks = false;
      this.#down();
    });
    this.#subscriber.on('ready', () => this.#subscribe());
    this.#subscriber.on('close', () => {
      this.#subscriberId = null;
      this.#down();
    });
    this.#subscriber.on('message', (channel: string, text: string) => {
      if (this.#open) options.onMessage(channel, text);
    });
  }

  get up(): boolean {
    return this.#up;
  }

  /** Whether each of the two connections is there. */
  get parts(): { publish: boolean; subscribe: boolean } {
    return { publish: this.#asks, subscribe: this.#subscriberId !== null };
  }

  open(): void {
    const failed = (error: unknown) => this.#failed(error);
    this.redis.connect().catch(failed);
    this.#subscriber.connect().catch(failed);
  }

  /**
   * To be called every two seconds: a Redis that hangs is let go of, and what was asked of it fails. Counted in looks
   * and not by the clock: a node that is late itself, as in a storm, finds its answers waiting between two looks, and
   * taking Redis for dead then would add to the storm.
   */
  look(): void {
    for (const one of this.#connected()) {
      const bytes = one.stream.bytesRead;
      const before = this.#seen.get(one);
      const silent = bytes === before?.bytes && one.commandQueue.length > 0;
      const silentLooks = silent ? before.silentLooks + 1 : 0;
      this.#seen.set(one, { bytes, silentLooks });
      if (silentLooks <= silentLooksMost) continue;
      this.#failed(new Error('Redis does not answer.'));
      this.reset();
      return;
    }
  }

  /** Something answers no more: begin anew. */
  reset(): void {
    this.#seen.clear();
    for (const one of this.#connected()) one.disconnect(true);
  }

  /** Also those that have not been greeted yet. */
  #connected(): Redis[] {
    return [this.redis, this.#subscriber].filter(({ status }) => status === 'ready' || status === 'connect');
  }

  close(): void {
    this.#open = false;
    this.#up = false;
    this.redis.disconnect();
    this.#subscriber.disconnect();
  }

  #subscribe(): void {
    const subscriber = this.#subscriber;
    const subscribing = async () => {
      const id = await subscriber.client('ID');
      await subscriber.subscribe(channelOf(this.#options.nodeId), commonChannel, invalidationChannel);
      this.#subscriberId = id;
      this.#settle();
    };
    subscribing().catch((error: unknown) => {
      this.#failed(error);
      if (subscriber.status === 'ready') subscriber.disconnect(true);
    });
  }

  /** What is read from now on is told of when it changes; what was read before is not. */
  #settle(): void {
    const id = this.#subscriberId;
    if (!this.#asks || id === null || this.#up) return;
    const settling = async () => {
      await this.redis.client('TRACKING', 'OFF');
      await this.redis.client('TRACKING', 'ON', 'REDIRECT', id);
      if (!this.#asks || this.#subscriberId !== id || this.#up || !this.#open) return;
      this.#up = true;
      this.#options.onUp();
    };
    settling().catch((error: unknown) => {
      this.#failed(error);
      this.reset();
    });
  }

  #down(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#options.onDown();
  }

  #failed(error: unknown): void {
    if (this.#open) this.#options.onError(error instanceof Error ? error : new Error('Redis refused.'));
  }
}
