import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../config';
import { openEmbedded } from './embedded';
import { lockFolder } from './folder-lock';
import { planSettings } from './plan-settings';

export interface Database {
  readonly pool: pg.Pool;
  readonly kind: 'embedded' | 'postgres';
  close(): Promise<void>;
}

export interface DatabaseEvents {
  /** The embedded database has stopped by itself, as after a failed fsync. The process should end and start anew. */
  onLost?(error: Error): void;
  /** A pooled connection failed while idle; the pool replaces it by itself. */
  onIdleError?(error: Error): void;
  /** A connection of the pool was opened and has not been used yet. */
  onConnection?(client: pg.PoolClient): void;
}

/** Opens the database that the configuration names, or the embedded one in DATA_DIR. */
export async function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'> & Partial<Pick<Config, 'workers'>>,
  events: DatabaseEvents = {},
): Promise<Database> {
  return config.databaseUrl === undefined
    ? openEmbeddedPool(config.dataDir, events)
    : openServerPool(config.databaseUrl, poolSize(config.workers ?? 1), events);
}

/** Postgres allows a hundred connections unless told otherwise: all workers together leave it some. */
const poolSize = (workers: number) => Math.max(1, Math.min(10, Math.floor(80 / workers)));

async function openServerPool(
  connectionString: string,
  max: number,
  events: DatabaseEvents,
): Promise<Database> {
  const options = planSettings.map((setting) => `-c ${setting}`).join(' ');
  const pool = new pg.Pool({ connectionString, options, max, types, connectionTimeoutMillis: 10_000 });
  pool.on('error', (error) => events.onIdleError?.(error));
  pool.on('connect', (client) => events.onConnection?.(client));
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw error;
  }
  return { pool, kind: 'postgres', close: () => pool.end() };
}

async function openEmbeddedPool(dataDir: string, events: DatabaseEvents): Promise<Database> {
  const lock = await lockFolder(dataDir);
  try {
    const database = await openEmbedded(join(dataDir, 'postgres'), (error) => events.onLost?.(error));
    const pool = new pg.Pool({
      // One backend, and its only connection is never given up: a new one would cost a reset of the session.
      max: 1,
      idleTimeoutMillis: 0,
      stream: () => database.stream(),
      user: 'postgres',
      database: 'postgres',
      ssl: false,
      types,
    });
    pool.on('error', (error) => events.onIdleError?.(error));
    pool.on('connect', (client) => events.onConnection?.(client));
    return {
      pool,
      kind: 'embedded',
      async close() {
        await pool.end();
        await database.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Counters and sequence numbers are bigint in the tables and stay far below 2^53, so they are numbers here. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (type, format) =>
    type === pg.types.builtins.INT8 && format !== 'binary' ? toNumber : pg.types.getTypeParser(type, format),
};

function toNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('A bigint column holds more than a number can.');
  return value;
}
