import { createServer } from 'node:net';
import { limits } from '../lib/protocol/limits';
import { createMemoryBroker } from './broker-memory';
import { createRedisBroker } from './broker-redis';
import { type Config, readConfig } from './config';
import { createDb } from './db/database';
import { migrate } from './db/migrate';
import { openDatabase } from './db/pool';
import { authenticate } from './devices/authentication';
import { tokenCookie, tokenOf } from './devices/tokens';
import type { Ground } from './ground';
import { startHttp } from './http/server';
import { Hub } from './hub';
import { createLimiters, defaultRates, type Rates } from './limiter';
import { createLog, type Log } from './log';
import { Committer, lanesOn } from './messages/commit';
import { createNotices } from './notices';
import { appRouter } from './routers/app';
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
  /** Where it listens, such as http://127.0.0.1:3000. */
  readonly origin: string;
  /** Resolves while the database answers. */
  ready(): Promise<unknown>;
  /** Closes every connection with `shutting_down`, ends what is running, and lets go of the database. */
  close(): Promise<void>;
}

const maxBufferedBytes = 8 * 1024 * 1024;
const commitBounds = { maxBatch: 500, maxBatchBytes: 8 * 1024 * 1024, maxQueue: 20_000 };

/**
 * One node, whole: database, broker, procedures, sockets, site. What is not given has the configuration's default;
 * `port: 0` takes a free one.
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const { rates = defaultRates, now = Date.now, siteFolder, onLost, log: givenLog, ...overrides } = options;
  const config = await completeConfig(overrides);
  const log = givenLog ?? createLog(config.logLevel);
  const database = await openDatabase(config, {
    onLost: (error) => {
      log.fatal({ err: error }, 'The database is lost.');
      onLost?.(error);
    },
    onIdleError: (error) => log.warn({ err: error }, 'A database connection failed.'),
  });
  const db = createDb(database.pool);
  const hub = new Hub({ maxBufferedBytes });
  try {
    await migrate(database.pool);
    const broker = await openBroker(config, hub, log);
    const committer = new Committer({
      pool: database.pool,
      now,
      lanes: lanesOn[database.kind],
      ...commitBounds,
    });
    const ground: Ground & { committer: Committer } = { db, notices: createNotices(broker), now, committer };
    const limiters = createLimiters(rates, now);
    const secure = config.publicOrigin.startsWith('https:');
    const http = await startHttp({
      config,
      router: appRouter,
      log,
      maxBodyBytes: limits.requestMaxBytes,
      ...(siteFolder === undefined ? {} : { siteFolder }),
      createContext: ({ headers, ip, resHeaders }) => {
        const token = tokenOf(headers.get('cookie') ?? undefined);
        let asker: ReturnType<typeof authenticate> | undefined;
        return {
          ground,
          limiters,
          ip,
          token,
          asker: () => {
            asker ??= authenticate(ground, token);
            return asker;
          },
          setToken: (token: string) => resHeaders.append('set-cookie', tokenCookie(token, secure)),
        };
      },
      register: (app) => registerSocketRoute(app, { ground, hub, broker, config, rates, log }),
    });
    let closing: Promise<void> | undefined;
    return {
      origin: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${http.port}`,
      ready: () => database.pool.query('select 1'),
      close() {
        closing ??= (async () => {
          hub.closeAll('shutting_down');
          await http.close();
          await committer.drained();
          await broker.close();
          await database.close();
        })();
        return closing;
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function openBroker(config: Config, hub: Hub, log: Log) {
  const deliver = hub.deliver.bind(hub);
  if (config.redisUrl === undefined) return createMemoryBroker(deliver);
  const onError = (error: Error) => log.warn({ err: error }, 'Redis is not reached.');
  return createRedisBroker({ url: config.redisUrl, deliver, onError });
}

/** The origin check needs the port before it is listened on, so a free one is looked for first. */
async function completeConfig(overrides: Partial<Config>): Promise<Config> {
  const port = overrides.port === 0 ? await freePort() : overrides.port;
  const defaults = readConfig(port === undefined ? {} : { PORT: String(port) });
  return { ...defaults, ...overrides, port: port ?? defaults.port };
}

/** A TCP port of the loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('There is no free port.'));
        else resolve(address.port);
      });
    });
  });
}
