import { randomBytes } from 'node:crypto';
import {
  type Broker,
  type Delivery,
  type DeviceSession,
  type LocalNode,
  look,
  lookFrame,
  usersOf,
} from './broker';
import { type Metrics, stopwatch } from './metrics/metrics';
import { forkByNode } from './redis/forks';
import { watchRedis } from './redis/gauges';
import { Inbox } from './redis/inbox';
import { Link } from './redis/link';
import { Lost } from './redis/lost';
import { Outbox } from './redis/outbox';
import { Peers } from './redis/peers';
import { recheckRevoked } from './redis/recheck';
import { Registrar } from './redis/registrar';
import { type Entered, failuresOf, Registry } from './redis/registry';
import { type Place, Routes } from './redis/routes';
import { Steps, stepMs } from './redis/steps';
import {
  type CommonWord,
  channelOf,
  commonChannel,
  invalidationChannel,
  type NodeWord,
  readCommonWord,
  readNodeWord,
  userOfKey,
} from './redis/wire';
import type { Session } from './session';

export interface RedisBrokerOptions {
  url: string;
  node: LocalNode;
  /** Which of these devices are shut out: a word of that may have been lost. */
  revokedAmong: (deviceIds: readonly string[]) => Promise<readonly string[]>;
  /** Called for every failure to reach Redis, with an error that holds no content. */
  onError: (error: Error) => void;
  metrics: Metrics;
}

const aliveEveryMs = 2_000;

/**
 * Over Redis Pub/Sub, for several nodes: see docs/decisions/0013. Resolves when the link is up, or after a moment
 * without it: the node serves its own devices meanwhile.
 */
export async function createRedisBroker(options: RedisBrokerOptions): Promise<Broker> {
  const broker = new RedisBroker(options);
  await broker.opened();
  return broker;
}

class RedisBroker implements Broker {
  readonly #nodeId = randomBytes(9).toString('base64url');
  readonly #node: LocalNode;
  readonly #options: RedisBrokerOptions;
  readonly #metrics: Metrics;
  readonly #link: Link;
  readonly #registry: Registry;
  readonly #routes: Routes;
  readonly #outbox = new Outbox();
  readonly #inbox = new Inbox();
  readonly #alive: NodeJS.Timeout;
  readonly #peers = new Peers(() => performance.now());
  readonly #lost = new Lost();
  readonly #steps = new Steps();
  readonly #registrar: Registrar;
  #askedAt = 0;
  #recheckDue = false;
  #downAt = performance.now();
  #open = true;
  #sending = false;
  #scheduled = false;
  #whenUp: (() => void) | null = null;

  constructor(options: RedisBrokerOptions) {
    const { url, node, metrics } = options;
    this.#options = options;
    this.#node = node;
    this.#metrics = metrics;
    this.#link = new Link({
      url,
      nodeId: this.#nodeId,
      onMessage: (channel, text) => this.#hear(channel, text),
      onUp: () => this.#up(),
      onDown: () => this.#down(),
      onError: (error) => this.#failed(error),
    });
    this.#registry = new Registry(this.#link.redis, this.#nodeId);
    this.#routes = new Routes({
      find: (userIds) => this.#registry.find(userIds),
      moved: (userId, nodeIds) => {
        for (const nodeId of nodeIds) if (nodeId !== this.#nodeId) this.#put(nodeId, look([userId]));
      },
      now: () => performance.now(),
    });
    this.#alive = setInterval(() => this.#sayAlive(), aliveEveryMs);
    this.#registrar = new Registrar({
      registry: this.#registry,
      node,
      linked: () => this.#link.up && this.#open,
      entered: (entered) => this.#entered(entered),
      missed: (session) => this.#lookAt(session),
      onError: (error) => this.#failed(error),
    });
    watchRedis(metrics, { link: this.#link, peers: this.#peers, routes: this.#routes, lost: this.#lost });
  }

  async opened(): Promise<void> {
    const up = new Promise<void>((resolve) => {
      this.#whenUp = resolve;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 2_000);
    });
    this.#link.open();
    await Promise.race([up, late]);
    clearTimeout(timer);
  }

  publish(sent: Delivery): void {
    if (!this.#open) return;
    this.#node.deliver(sent);
    if (!this.#link.up) {
      this.#lose(sent);
      return;
    }
    this.#publishToOthers(sent);
  }

  #publishToOthers(sent: Delivery): void {
    this.#metrics.redisPublished.add();
    if (sent.kind === 'close') {
      this.#say({ t: 'close', from: this.#nodeId, deliveries: [sent] }, () => this.#lose(sent));
      return;
    }
    this.#routes.route(
      usersOf(sent),
      (places) => this.#post(sent, places),
      () => this.#lose(sent),
    );
  }

  connected(session: Session): void {
    this.#registrar.connected(session);
  }

  disconnected(session: Session): void {
    this.#registrar.disconnected(session);
  }

  async sessionsOf(userIds: readonly string[]): Promise<DeviceSession[]> {
    const mine = userIds.flatMap((userId) =>
      this.#node.sessionsOf(userId).map(({ deviceId }) => ({ userId, deviceId, nodeId: this.#nodeId })),
    );
    if (!this.#link.up) return mine;
    try {
      const found = await this.#registry.find(userIds);
      const others = userIds.flatMap((userId, index) =>
        (found[index] ?? [])
          .filter(({ nodeId }) => nodeId !== this.#nodeId && this.#peers.lives(nodeId))
          .map((place) => ({ userId, ...place })),
      );
      return [...mine, ...others];
    } catch (error) {
      this.#failed(error);
      return mine;
    }
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#alive);
    this.#steps.stop();
    // Those who have just been closed are taken out, if that is quickly done; else they are forgotten later.
    if (this.#link.up) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, 1_000);
      });
      await Promise.race([this.#registrar.settled(), late]);
      clearTimeout(timer);
    }
    this.#link.close();
  }

  /** To the nodes where the recipients are, to each what is for it. */
  #post(sent: Exclude<Delivery, { kind: 'close' }>, places: ReadonlyMap<string, readonly Place[]>): void {
    const counts = (nodeId: string) => nodeId !== this.#nodeId && this.#peers.lives(nodeId);
    for (const [nodeId, part] of forkByNode(sent, places, counts)) this.#put(nodeId, part);
  }

  #put(nodeId: string, sent: Delivery): void {
    this.#outbox.put(nodeId, sent);
    if (this.#scheduled || this.#sending) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#sending) void this.#send();
    });
  }

  /** One round at a time: what comes meanwhile is the next. */
  async #send(): Promise<void> {
    this.#sending = true;
    for (let parcels = this.#outbox.take(); parcels.length > 0; parcels = this.#outbox.take()) {
      const seconds = stopwatch();
      const pipeline = this.#link.redis.pipeline();
      for (const { nodeId, number, deliveries } of parcels)
        pipeline.publish(
          channelOf(nodeId),
          JSON.stringify({ t: 'parcel', from: this.#nodeId, number, deliveries } satisfies NodeWord),
        );
      // What does not arrive is missed by its readers, who then ask.
      const [failed] = await failuresOf(pipeline);
      if (failed === undefined) this.#metrics.redisSeconds.add(seconds());
      else this.#failed(failed);
    }
    this.#sending = false;
  }

  #say(word: CommonWord, failed: () => void = () => undefined): void {
    this.#link.redis.publish(commonChannel, JSON.stringify(word)).catch((error: unknown) => {
      this.#failed(error);
      failed();
    });
  }

  #tell(nodeId: string, word: NodeWord): void {
    this.#link.redis
      .publish(channelOf(nodeId), JSON.stringify(word))
      .catch((error: unknown) => this.#failed(error));
  }

  #hear(channel: string, text: string): void {
    if (channel === invalidationChannel) {
      this.#changedKeys(text);
      return;
    }
    try {
      if (channel === commonChannel) this.#hearCommon(readCommonWord(text));
      else this.#hearMine(readNodeWord(text));
    } catch {
      this.#failed(new Error('The word of another node could not be read.'));
    }
  }

  /** Of several keys the names come joined by commas; none at all means all. */
  #changedKeys(text: string): void {
    if (text === '') this.#routes.clear();
    for (const key of text.split(',')) {
      const userId = userOfKey(key);
      if (userId !== null) this.#routes.changed(userId);
    }
  }

  #hearMine(word: NodeWord): void {
    switch (word.t) {
      case 'parcel':
        if (!this.#inbox.received(word.from, word.number)) return;
        this.#metrics.redisReceived.add(word.deliveries.length);
        for (const one of word.deliveries) this.#node.deliver(one);
        this.#ask();
        return;
      case 'ask': {
        const userIds = this.#outbox.usersAfter(word.from, word.after);
        const upTo = this.#outbox.sent()[word.from] ?? word.after;
        this.#tell(word.from, { t: 'answer', from: this.#nodeId, upTo, userIds });
        return;
      }
      case 'answer':
        this.#inbox.answered(word.from, word.upTo);
        if (word.userIds === null) this.#lookAll();
        else this.#steps.run(word.userIds, (userIds) => this.#node.deliver(look(userIds)));
    }
  }

  #hearCommon(word: CommonWord): void {
    if (word.from === this.#nodeId) {
      if (word.t === 'alive') this.#peers.heardMyself();
      return;
    }
    switch (word.t) {
      case 'alive':
        this.#peers.heard(word.from);
        this.#inbox.told(word.from, word.sent[this.#nodeId] ?? 0);
        this.#ask();
        if (word.fresh)
          this.#say({ t: 'alive', from: this.#nodeId, fresh: false, sent: this.#outbox.sent() });
        return;
      case 'close':
        this.#metrics.redisReceived.add(word.deliveries.length);
        for (const one of word.deliveries) this.#node.deliver(one);
        return;
      case 'look':
        this.#lookAll();
    }
  }

  /** Asks for what is missing, now and then until it is answered. */
  #ask(): void {
    const missing = this.#inbox.missing();
    if (missing.length === 0 || performance.now() - this.#askedAt < stepMs || !this.#link.up) return;
    this.#askedAt = performance.now();
    for (const { nodeId, after } of missing) this.#tell(nodeId, { t: 'ask', from: this.#nodeId, after });
    this.#recheckDue = true;
  }

  #sayAlive(): void {
    for (const nodeId of this.#peers.sweep()) {
      this.#outbox.forget(nodeId);
      // It cannot be asked any more.
      if (this.#inbox.forget(nodeId)) this.#lookAll();
    }
    this.#link.look();
    if (!this.#link.up) return;
    for (const nodeId of this.#outbox.nodeIds()) if (!this.#peers.lives(nodeId)) this.#outbox.forget(nodeId);
    if (this.#peers.deaf) {
      this.#failed(new Error('Redis does not bring back what this node says.'));
      this.#link.reset();
      return;
    }
    this.#peers.saidAlive();
    this.#say({ t: 'alive', from: this.#nodeId, fresh: false, sent: this.#outbox.sent() });
    this.#ask();
    if (this.#recheckDue) this.#recheck();
    this.#registrar.renew(aliveEveryMs);
  }

  #up(): void {
    this.#peers.up();
    this.#routes.clear();
    this.#registrar.up(performance.now() - this.#downAt);
    this.#say({ t: 'alive', from: this.#nodeId, fresh: true, sent: this.#outbox.sent() });
    this.#recheck();
    const { userIds, closes } = this.#lost.take();
    if (closes.length > 0)
      this.#say({ t: 'close', from: this.#nodeId, deliveries: closes }, () => {
        for (const close of closes) this.#lost.add(close);
      });
    if (userIds === null) this.#say({ t: 'look', from: this.#nodeId }, () => this.#lost.addEveryone());
    else this.#steps.run(userIds, (some) => this.#publishToOthers(look(some)));
    this.#whenUp?.();
  }

  #down(): void {
    this.#downAt = performance.now();
    this.#routes.clear();
  }

  /** Others were not told of it: those whom it was for look when there is a link again. */
  #lose(sent: Delivery): void {
    if (!this.#open) return;
    this.#metrics.redisDropped.add();
    this.#lost.add(sent);
  }

  /** An older connection of the device, on another node, is closed. */
  #entered({ session, before }: Entered): void {
    if (before === null || before.nodeId === this.#nodeId || !this.#peers.lives(before.nodeId)) return;
    const { userId, deviceId } = session;
    const connection = before.number;
    this.#put(before.nodeId, { kind: 'close', userId, deviceId, code: 'replaced', connection });
  }

  #lookAt({ userId, deviceId }: Session): void {
    this.#node.deliver({ kind: 'device', userId, deviceId, frame: lookFrame });
  }

  #lookAll(): void {
    this.#steps.run([...this.#node.sessions()], (sessions) => {
      for (const session of sessions) if (session.open) this.#lookAt(session);
    });
  }

  /** Devices that were shut out while no word of it came through. */
  #recheck(): void {
    this.#recheckDue = false;
    recheckRevoked({
      node: this.#node,
      steps: this.#steps,
      revokedAmong: this.#options.revokedAmong,
      onError: (error) => this.#failed(error),
    });
  }

  #failed(error: unknown): void {
    if (!this.#open) return;
    this.#metrics.redisErrors.add();
    this.#options.onError(error instanceof Error ? error : new Error('Redis refused.'));
  }
}
