import type pg from 'pg';
import * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import type { Asker } from '../ground';
import { type After, Pace, Rest } from '../rest';
import { hashOf } from './tokens';

/** Last-seen is for a list that people read: once a minute is enough. */
const lastSeenStepMs = 60_000;
/** When thousands come back at once, the database has their messages to find first. */
const notedAtOnce = 100;
const noteRestMs = 1_000;

export interface AuthenticationOptions {
  pool: Pick<pg.Pool, 'query'>;
  now: () => number;
  /** Most tokens in one query. */
  maxBatch?: number;
  /** Most tokens that wait; more are refused with `overloaded`. */
  maxWaiting?: number;
  /** What was not noted of when devices were seen. */
  onError?: (error: unknown) => void;
  after?: After;
}

interface Waiting {
  tokenHash: Buffer;
  resolve: (asker: Asker | undefined) => void;
  reject: (error: unknown) => void;
}

const deviceRows = z.array(
  z.object({
    ord: z.number(),
    id: z.string(),
    user_id: z.string(),
    last_seen_at: z.number(),
    revoked: z.boolean(),
    signed: z.boolean(),
  }),
);

const lookUp = `
  select t.ord::integer as ord, d.id, d.user_id, d.last_seen_at, d.revoked_at is not null as revoked,
    d.signature is not null as signed
  from unnest($1::bytea[]) with ordinality as t(token_hash, ord)
  join devices d on d.token_hash = t.token_hash`;
const noteSeen = 'update devices set last_seen_at = $2 where id = any($1::uuid[]) and last_seen_at <= $3';

/**
 * Finds the devices that tokens belong to. What is asked while a query is in flight shares the next one, so that
 * thousands who come back at once cost the database a few queries.
 */
export class Authentication {
  readonly #options: Required<Omit<AuthenticationOptions, 'after'>>;
  #queue: Waiting[] = [];
  #running: Promise<void> | null = null;
  readonly #seen = new Set<string>();
  #noting: Promise<void> | undefined;
  readonly #noteRest: Rest;
  /** The node ends: nothing rests any more. */
  #ending = false;
  readonly #queryRest: Rest;
  readonly #pace: Pace;
  /** Somebody waits for the answer of a call. */
  #hurried = false;

  constructor(options: AuthenticationOptions) {
    const { after, ...others } = options;
    this.#noteRest = new Rest(after);
    this.#queryRest = new Rest(after);
    this.#pace = new Pace(options.now);
    this.#options = {
      maxBatch: 500,
      maxWaiting: 20_000,
      onError: () => undefined,
      ...others,
    };
  }

  /** Tokens that wait for a query. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * The device that a token belongs to, or undefined, also while it waits for its owner's signature. Notes that it
   * was seen.
   * @param patient whether it may wait a moment for others: a query costs the same for one as for many
   * @throws device_revoked for the token of one that its owner has shut out: it must learn so at its first contact;
   * overloaded
   */
  async askerOf(token: string | undefined, patient = false): Promise<Asker | undefined> {
    if (token === undefined) return undefined;
    if (this.#queue.length >= this.#options.maxWaiting) throw new AparteError('overloaded');
    return new Promise((resolve, reject) => {
      this.#queue.push({ tokenHash: hashOf(token), resolve, reject });
      if (!patient) {
        this.#hurried = true;
        this.#queryRest.wake();
      }
      this.#running ??= this.#run();
    });
  }

  /** Answers who waits and notes who was seen, without rests. */
  async settled(): Promise<void> {
    this.#ending = true;
    this.#queryRest.wake();
    await this.#running;
    while (this.#noting !== undefined) {
      this.#noteRest.wake();
      await this.#noting;
    }
    this.#ending = false;
  }

  async #run(): Promise<void> {
    const { maxBatch } = this.#options;
    while (this.#queue.length > 0) {
      const { restMs } = this.#pace;
      // A full batch has company.
      const alone = this.#queue.length < maxBatch && restMs > 0;
      if (alone && !this.#hurried && !this.#ending) await this.#queryRest.of(restMs);
      const batch = this.#queue.splice(0, maxBatch);
      // Who hurries may be further behind.
      this.#hurried &&= this.#queue.length > 0;
      try {
        this.#pace.started();
        await this.#find(batch);
        this.#pace.ended();
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.#running = null;
  }

  async #find(batch: readonly Waiting[]): Promise<void> {
    const { pool, now } = this.#options;
    const values = [batch.map((one) => one.tokenHash)];
    const { rows } = await pool.query({ name: 'authenticate', text: lookUp, values });
    const found = new Map(deviceRows.parse(rows).map((row) => [row.ord - 1, row]));
    const seenBefore = now() - lastSeenStepMs;
    batch.forEach(({ resolve, reject }, index) => {
      const row = found.get(index);
      if (row?.revoked) reject(new AparteError('device_revoked'));
      else if (!row?.signed) resolve(undefined);
      else {
        if (row.last_seen_at <= seenBefore) this.#seen.add(row.id);
        resolve({ userId: row.user_id, deviceId: row.id });
      }
    });
    if (this.#seen.size > 0) this.#noting ??= this.#note();
  }

  async #note(): Promise<void> {
    const { pool, now, maxBatch, onError } = this.#options;
    while (this.#seen.size > 0) {
      const most = this.#ending ? maxBatch : notedAtOnce;
      const ids: string[] = [];
      for (const id of this.#seen) if (ids.push(id) >= most) break;
      for (const id of ids) this.#seen.delete(id);
      try {
        const values = [ids, now(), now() - lastSeenStepMs];
        await pool.query({ name: 'note seen', text: noteSeen, values });
      } catch (error) {
        onError(error);
        // Nobody waits for a database that is away to end a node.
        if (this.#ending) this.#seen.clear();
      }
      if (this.#seen.size > 0 && !this.#ending) await this.#noteRest.of(noteRestMs);
    }
    this.#noting = undefined;
  }
}
