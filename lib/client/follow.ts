import { Dexie } from 'dexie';
import type { AparteDb } from './db';

/** Reading again and again takes about this part of the time. */
const share = 1 / 3;
/** A tab may have slept through a reading: nobody rests for that. */
const longestRestMs = 1_000;

export interface Following<T> {
  db: AparteDb;
  /** Names of the tables that `read` reads. */
  tables: readonly string[];
  read: () => Promise<T>;
  next: (value: T) => void;
  error: (error: unknown) => void;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
  /** Calls back after so many ms. */
  after?: (ms: number, call: () => void) => void;
}

/**
 * Reads whole tables, at once and whenever they have changed, in any tab or worker. Of many changes the first is read
 * at once, the others together: a live query reads anew for each and throws away what it was reading, so that a long
 * list would stand still while messages arrive, and hold up the engine that stores them. The last state is always read.
 *
 * @returns what ends it
 */
export function follow<T>(following: Following<T>): () => void {
  const { db, tables, read, next, error } = following;
  const { now = () => performance.now(), after = (ms, call) => void setTimeout(call, ms) } = following;
  const prefixes = tables.map((table) => `idb://${db.name}/${table}/`);
  let state: 'idle' | 'reading' | 'resting' | 'ended' = 'idle';
  let changed = false;
  let tookBeforeMs = Number.POSITIVE_INFINITY;

  const go = () => {
    changed = false;
    state = 'reading';
    let closed = false;
    let tookMs = Number.POSITIVE_INFINITY;
    const start = now();
    // Whoever has changed something may be in the middle of a transaction, of which this is no part.
    Dexie.ignoreTransaction(read)
      .then(
        (value) => {
          tookMs = now() - start;
          if (state !== 'ended') next(value);
        },
        (failure: unknown) => {
          // The database is opened again, or there is nothing left to read; live queries pass over it alike.
          if (failure instanceof Error && /^(DatabaseClosed|Abort)Error$/.test(failure.name)) closed = true;
          else if (state !== 'ended') error(failure);
        },
      )
      .finally(() => {
        if (state === 'ended') return;
        state = 'resting';
        changed ||= closed;
        // One of the two may have waited for others, for which nobody rests.
        const restMs = Math.min(tookMs, tookBeforeMs) * (1 / share - 1);
        tookBeforeMs = tookMs;
        after(closed ? longestRestMs : Math.min(longestRestMs, restMs), () => {
          if (state === 'ended') return;
          state = 'idle';
          if (changed) go();
        });
      });
  };
  /** A page that comes back from the browser's cache is told that all has changed; a range may be of no rows. */
  const concerns = ([part, range]: [string, object]) =>
    part === 'all' || ('from' in range && prefixes.some((prefix) => part.startsWith(prefix)));
  const hear = (parts: object) => {
    if (!Object.entries(parts).some(concerns)) return;
    changed = true;
    if (state === 'idle') go();
  };
  Dexie.on('storagemutated', hear);
  go();
  return () => {
    state = 'ended';
    Dexie.on.storagemutated.unsubscribe(hear);
  };
}
