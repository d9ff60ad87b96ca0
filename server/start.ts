import { setTimeout as wait } from 'node:timers/promises';
import { limits } from '../lib/protocol/limits';
import { readAttachment, storeAttachment } from './attachments/attachments';
import type { Broker, LocalNode } from './broker';
import { createMemoryBroker } from './broker-memory';
import { createRedisBroker } from './broker-redis';
import { type Config, readConfig } from './config';
import { createDb, type Db } from './db/database';
import { migrate } from './db/migrate';
import { openDatabase } from './db/pool';
import { Authentication } from './devices/authentication';
import { revokedAmong } from './devices/devices';
import { tokenCookie, tokenOf } from './devices/tokens';
import { drain } from './drain';
import type { Ground } from './ground';
import { Doorkeeper } from './http/doorkeeper';
import { freePort } from './http/free-port';
import { startHttp } from './http/server';
import { Hub } from './hub';
import { createLimiters, defaultRates, type Rates } from './limiter';
import { createLog, type Log } from './log';
import { Committer, lanesOn } from './messages/commit';
import { createMetrics, type Metrics } from './metrics/metrics';
import { watchNode } from './metrics/node';
import { timeQueries } from './metrics/queries';
import { changedConversation, createNotices } from './notices';
import { MemberLists } from './presence/member-lists';
import { pushKeys } from './push/keys';
import { Pusher } from './push/pusher';
import { prune, subscriptionsOf } from './push/subscriptions';
import { createPushTransport } from './push/transport';
import { appRouter } from './routers/app';
import { shownCode } from './routers/context';
import { refusalFor } from './ws/admission';
import { LoadGauge, memoryLimitBytes, socketLimit } from './ws/load';
import { registerSocketRoute } from './ws/socket-route';

export interface StartOptions extends Partial<Config> {
  readonly rates?: Rates;
  readonly log?: Log;
  readonly now?: () => number;
  /** The exported site; `out` unless told otherwise. */
  readonly siteFolder?: string;
  /** The database has stopped by itself: the process should end. */
  readonly onLost?: (error: Error) => void;
}

export interface RunningServer {
  readonly metrics: Metrics;
  /** Where it listens, such as http://127.0.0.1:3000. */
  readonly origin: string;
  /** Carries what is to be delivered, as the rules do. */
  readonly broker: Broker;
  /** Resolves while the database answers, until `close` is called. */
  ready(): Promise<unknown>;
  /** Sends the devices away at a pace that others can bear, ends what is running, and lets go of the database. */
  close(): Promise<void>;
}

const commitBounds = { maxBatch: 500, maxBatchBytes: 8 * 1024 * 1024, maxQueue: 20_000 };

/**
 * One node, whole: database, broker, procedures, sockets, site. What is not given has the configuration's default;
 * `port: 0` takes a free one.
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const { rates = defaultRates, now = Date.now, siteFolder, onLost, log: givenLog, ...overrides } = options;
  const config = await completeConfig(overrides);
  const log = givenLog ?? createLog(config.logLevel);
  const metrics = createMetrics(Object.keys(appRouter._def.procedures));
  const database = await openDatabase(config, {
    onConnection: (client) => timeQueries(client, metrics),
    onLost: (error) => {
      log.fatal({ err: error }, 'The database is lost.');
      onLost?.(error);
    },
    onIdleError: (error) => log.warn({ err: error }, 'A database connection failed.'),
  });
  const db = createDb(database.pool);
  let closing: Promise<void> | undefined;
  const hub = new Hub({ metrics, now });
  const gauge = new LoadGauge();
  try {
    await migrate(database.pool);
    const memberLists = new MemberLists({
      db,
      now,
      // A node that is alone hears of every change, since it makes it.
      maxAgeMs: config.redisUrl === undefined ? 10 * 60_000 : 10_000,
      known: (userId) => hub.known(userId),
    });
    const broker = await openBroker(config, db, listening(hub, memberLists), metrics, log);
    const committer = new Committer({
      pool: database.pool,
      now,
      lanes: lanesOn[database.kind],
      metrics,
      ...commitBounds,
    });
    const { pusher, close: closePusher } = await openPusher({ config, db, broker, now, log, metrics });
    const notices = createNotices(broker, (userIds) => pusher.wake(userIds));
    const ground: Ground & { committer: Committer } = { db, notices, metrics, memberLists, now, committer };
    const limiters = createLimiters(rates, now, (name) => metrics.rateLimited[name].add());
    const authentication = new Authentication({
      pool: database.pool,
      now,
      onError: (error) => log.warn({ err: error }, 'It was not noted when devices were seen.'),
    });
    const maxSockets = socketLimit();
    const doorkeeper = new Doorkeeper({
      room: () => Math.min(5_000, maxSockets - hub.size),
      take: (address, cost) => limiters.sockets.take(address, cost),
      trustedProxies: config.trustedProxies,
      refused: () => metrics.socketsRefused.add(),
    });
    watchNode(metrics, { hub, doorkeeper, authentication, committer, pusher, pool: database.pool });
    const admissionLimits = {
      maxConnections: maxSockets - 256,
      maxWaiting: 5_000,
      maxLateMs: 3_000,
      maxMemoryBytes: memoryLimitBytes(config.workers),
    };
    const refusal = () =>
      closing !== undefined
        ? ({ code: 'shutting_down', withinMs: 1_000 } as const)
        : refusalFor(
            {
              connections: hub.size,
              waiting: authentication.waiting,
              lateMs: gauge.lateMs,
              memoryBytes: gauge.memoryBytes,
            },
            admissionLimits,
          );
    const secure = config.publicOrigin.startsWith('https:');
    const http = await startHttp({
      config,
      router: appRouter,
      log,
      maxBodyBytes: limits.requestMaxBytes,
      doorkeeper,
      onError: (error) => metrics.errors[shownCode(error)].add(),
      ...(siteFolder === undefined ? {} : { siteFolder }),
      createContext: ({ headers, ip, resHeaders }) => {
        const token = tokenOf(headers.get('cookie') ?? undefined);
        let asker: ReturnType<Authentication['askerOf']> | undefined;
        return {
          ground,
          limiters,
          ip,
          pushEndpoints: config.pushEndpoints,
          token,
          asker: () => {
            asker ??= authentication.askerOf(token);
            return asker;
          },
          setToken: (token: string) => resHeaders.append('set-cookie', tokenCookie(token, secure)),
        };
      },
      media: {
        askerOf: (cookie) => authentication.askerOf(tokenOf(cookie)),
        mayStore: ({ deviceId }) => limiters.uploads.take(deviceId),
        mayRead: (address) => limiters.downloads.take(address),
        store: (asker, address, bytes) => storeAttachment(ground, asker, address, bytes),
        read: (address) => readAttachment(db, address),
        onError: (code) => metrics.errors[code].add(),
      },
      register: (app) =>
        registerSocketRoute(app, {
          ground,
          hub,
          broker,
          authentication,
          config,
          rates,
          limiters,
          refusal,
          upgraded: () => doorkeeper.upgraded(),
          log,
          onBroken: ({ userId, deviceId }) => pusher.lost(userId, deviceId),
        }),
    });
    return {
      metrics,
      broker,
      origin: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${http.port}`,
      ready: async () => {
        if (closing !== undefined) throw new Error('The node is being stopped.');
        await database.pool.query('select 1');
      },
      close() {
        closing ??= (async () => {
          http.refuseNew();
          await drain(hub, { wait });
          await http.close();
          await committer.drained();
          await closePusher();
          await authentication.settled();
          gauge.stop();
          await broker.close();
          await database.close();
        })();
        return closing;
      },
    };
  } catch (error) {
    gauge.stop();
    await database.close();
    throw error;
  }
}

/** The hub, with an ear for changed rosters. */
function listening(hub: Hub, memberLists: MemberLists): LocalNode {
  return {
    get size() {
      return hub.size;
    },
    sessions: () => hub.sessions(),
    sessionsOf: (userId) => hub.sessionsOf(userId),
    deliver(delivery) {
      const changed = changedConversation(delivery);
      if (changed !== undefined) memberLists.forget(changed);
      hub.deliver(delivery);
    },
  };
}

function openBroker(config: Config, db: Db, node: LocalNode, metrics: Metrics, log: Log) {
  if (config.redisUrl === undefined) return createMemoryBroker(node);
  return createRedisBroker({
    url: config.redisUrl,
    node,
    revokedAmong: (deviceIds) => revokedAmong(db, deviceIds),
    onError: (error) => log.warn({ err: error }, 'Redis is not reached.'),
    metrics,
  });
}

async function openPusher(parts: {
  config: Config;
  db: Db;
  broker: Broker;
  now: () => number;
  log: Log;
  metrics: Metrics;
}) {
  const { config, db, broker, now, log, metrics } = parts;
  const keys = await pushKeys(db);
  const transport = createPushTransport(config.pushEndpoints, config.publicOrigin);
  const pusher = new Pusher({
    find: (userIds, deviceIds) => subscriptionsOf(db, userIds, deviceIds),
    prune: (subscription) => prune(db, subscription),
    connected: async (devices) => {
      const sessions = await broker.sessionsOf([...new Set(devices.map(({ userId }) => userId))]);
      return new Set(sessions.map(({ deviceId }) => deviceId));
    },
    keys,
    transport,
    now,
    random: Math.random,
    count: (outcome) => metrics.pushes[outcome].add(),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    onError: (error) => log.warn({ err: error }, 'Devices could not be woken.'),
  });
  return {
    pusher,
    close: async () => {
      await pusher.close();
      transport.close();
    },
  };
}

/** The origin check needs the port before it is listened on, so a free one is looked for first. */
async function completeConfig(overrides: Partial<Config>): Promise<Config> {
  const port = overrides.port === 0 ? await freePort() : overrides.port;
  const defaults = readConfig(port === undefined ? {} : { PORT: String(port) });
  return { ...defaults, ...overrides, port: port ?? defaults.port };
}
