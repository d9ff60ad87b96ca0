import { liveQuery } from 'dexie';
import type { AparteDb } from './db';
import { startEngine } from './engine';
import type { Environment } from './environment';
import { isLeaving } from './erasure';

export interface RunBounds {
  /** How long catching up may take, ms. */
  catchUpMs: number;
  /** How long after that what waits to be sent may take, ms. */
  sendMs: number;
}

/** Browsers end a service worker's work on a push after half a minute. */
const defaultBounds: RunBounds = { catchUpMs: 15_000, sendMs: 6_000 };

/**
 * Runs the engine while no page is open: it catches up, tells of what has come, sends what waits, and closes. The
 * caller holds the profile's lock.
 * @returns whether it caught up; if not, there is no network, no account, or no key
 */
export async function runInBackground(environment: Environment, bounds = defaultBounds): Promise<boolean> {
  const { db } = environment;
  // What an earlier run left here would look like the answer of this one.
  const ready = db.writeMeta('connection', { state: 'connecting', at: environment.now() });
  // A locked database answers nothing.
  if (
    !(await within(
      environment,
      bounds.catchUpMs,
      ready.then(() => true),
    ))
  )
    return false;
  const engine = startEngine(environment);
  try {
    const caughtUp = await until(environment, bounds.catchUpMs, () => standing(db));
    if (caughtUp !== 'online') return false;
    await until(environment, bounds.sendMs, () => isAllSent(environment));
    return true;
  } finally {
    await engine.stop();
  }
}

/** `online` once all is told, `none` without an account that could be; one that was shut out is erased before. */
async function standing(db: AparteDb): Promise<'online' | 'none' | undefined> {
  const session = await db.readMeta('session');
  if (isLeaving(session)) return undefined;
  if (session?.state !== 'signed_in') return 'none';
  return (await db.readMeta('connection'))?.state === 'online' ? 'online' : undefined;
}

async function isAllSent({ db, now }: Environment): Promise<true | undefined> {
  const due = await db.tellings.filter((row) => row.notBefore <= now()).count();
  return due + (await db.outbox.count()) === 0 ? true : undefined;
}

/** Waits until a query finds something. @returns `undefined` when that took too long */
function until<T>(environment: Environment, ms: number, query: () => Promise<T | undefined>) {
  let end = () => undefined as unknown;
  const found = new Promise<T>((resolve, reject) => {
    const subscription = liveQuery(query).subscribe({
      next: (value) => value !== undefined && resolve(value),
      error: reject,
    });
    end = () => subscription.unsubscribe();
  });
  return within(environment, ms, found).finally(() => end());
}

async function within<T>({ after }: Environment, ms: number, task: Promise<T>): Promise<T | undefined> {
  let cancel = () => undefined as unknown;
  const late = new Promise<undefined>((resolve) => {
    cancel = after(ms, () => resolve(undefined));
  });
  return Promise.race([task, late]).finally(() => cancel());
}
