import type { ErrorCode } from '../protocol/errors';
import type { Environment } from './environment';
import { endSession, erase, isLeaving, isShutOut, owesErasure, tellErased } from './erasure';
import { dispatchLink } from './link-intents';
import { isRunning } from './link-state';
import { type Joined, performLink } from './linking';
import { KeysLost, lookForEarlierSelf, noteKeysLost } from './mending';
import type { Session } from './meta';
import { openOwn } from './opening-machine';
import type { ReadingHint } from './reading-hint';
import { performRecovery } from './recovery';
import { Runner } from './runner';
import { performSignUp } from './sign-up';
import { SignedIn } from './signed-in';
import { StorageWatch } from './storage-watch';
import { watch } from './watch';

export interface Engine {
  /** The network is back, or a person is looking: do not wait for the next try. */
  hurry: () => void;
  /** What a person has just read: the other devices are told before the page has drawn it. */
  read: (reading: ReadingHint) => void;
  /** Resolves when nothing runs any more and the machine's store is closed. */
  stop: () => Promise<void>;
}

/** What ends does so within this, or is left: a machine whose store is gone may never answer. */
const endingMs = 10_000;

/**
 * The one engine of a browser profile: does what the database says a person asked for, and stores there what
 * arrives. The caller holds the profile's lock for as long as it runs.
 */
export function startEngine(given: Environment): Engine {
  const { db } = given;
  let work: SignedIn | null = null;
  /** Until its session is begun. */
  let joined: Joined | null = null;
  /** When all that was ended has closed what it held. */
  let lastEnd: Promise<void> = Promise.resolve();
  /** One at a time: a second would delete what has come after the first. */
  let erasing: Promise<void> | null = null;
  const storage = new StorageWatch(given, {
    pause: () => endWork(),
    resume: () => runner.kick(),
  });
  // Whatever fails tells of it here; if it is the storage that fails, all of it ends in order.
  const environment: Environment = {
    ...given,
    log: (event, error) => {
      given.log(event, error);
      storage.failed(error);
    },
  };

  const runner = new Runner(
    async () => {
      if (!storage.sound) return;
      const session = await db.readMeta('session');
      if (!session) await forget();
      else if (session.state === 'signing_up') await performSignUp(environment, session);
      else if (session.state === 'recovering') await performRecovery(environment, session);
      else if (session.state === 'signed_in' && !work) await begin(session);
      else if (session.state === 'signed_in') work?.renamed(session.name);
      else if (session.state === 'ended') await leave(session);
    },
    (error) => environment.log('engine', error),
  );

  async function begin(session: Extract<Session, { state: 'signed_in' }>): Promise<void> {
    const [lost, toldOnlineUntil] = await Promise.all([db.readMeta('lost'), db.readMeta('toldOnlineUntil')]);
    if (lost?.deviceId === session.deviceId) return;
    // There must not be two machines on a store: one may still be closing.
    await inTime(lastEnd);
    if (!storage.sound) return;
    const open = joined?.deviceId === session.deviceId ? joined.machine : null;
    if (open) joined = null;
    const ended = (code: ErrorCode) => {
      endSession(db, session.deviceId, code).catch((error: unknown) => environment.log('engine', error));
    };
    const opening = openOwn(environment, session, open);
    try {
      const begun = new SignedIn(environment, session, opening, ended, toldOnlineUntil ?? 0);
      work = begun;
      begun.connect();
      await begun.opened;
    } catch (error) {
      // Left open, the machine would keep its store from ever being opened or deleted again.
      if (work) await endWork();
      else await opening.then((machine) => machine.close()).catch(() => undefined);
      if (!(error instanceof KeysLost)) throw error;
      await noteKeysLost(environment, session);
    }
    linkRunner.kick();
  }

  /** There is no session: none yet, or none any more. */
  async function forget(): Promise<void> {
    await endWork();
    await lookForEarlierSelf(environment);
  }

  async function endWork(): Promise<void> {
    const ending = [work?.stop(), joined?.machine.close()];
    work = null;
    joined = null;
    for (const end of ending) {
      if (!end) continue;
      const ended = end.catch((error: unknown) => given.log('engine', error));
      lastEnd = Promise.all([lastEnd, ended]).then(() => undefined);
    }
    await inTime(lastEnd);
  }

  /** @returns whether it has ended in time */
  async function inTime(task: Promise<void>): Promise<boolean> {
    let cancel: () => void = () => undefined;
    const patience = new Promise<false>((resolve) => {
      cancel = given.after(endingMs, () => resolve(false));
    });
    return Promise.race([task.then(() => true), patience]).finally(() => cancel());
  }

  /** What an earlier run of the engine began cannot be gone on with: the channel's keys were its own. */
  let interrupted = false;
  const linkRunner = new Runner(
    async () => {
      const link = await db.readMeta('link');
      const before = interrupted;
      interrupted = true;
      if (!link || !isRunning(link)) return;
      if (link.step !== 'opening') {
        if (!before) await dispatchLink(db, { name: 'failed', reason: 'interrupted' });
        return;
      }
      const session = await db.readMeta('session');
      // What is erased must not be what has just come; after the erasure it goes on.
      if (owesErasure(session)) return;
      const lost = await db.readMeta('lost');
      // A device that has lost its keys is a new one; whether it has is known once they are opened.
      if (session?.state === 'signed_in' && !work?.isOpen && lost?.deviceId !== session.deviceId) return;
      const owner = work?.isOpen ? work.owner : null;
      const keep = (machine: Joined) => {
        joined = machine;
      };
      if (await performLink(environment, link, owner, keep)) work?.linked();
    },
    (error) => environment.log('link', error),
  );

  /** A revoked device keeps nothing; one that the server merely does not know keeps its data until it starts anew. */
  async function leave(session: Extract<Session, { state: 'ended' }>): Promise<void> {
    await endWork();
    if (!isShutOut(session)) return;
    if (owesErasure(session)) {
      erasing ??= erase(environment).finally(() => {
        erasing = null;
      });
      // It is told of when it has ended after all, or is done anew by the next start.
      if (!(await inTime(erasing))) return;
    }
    linkRunner.kick();
    if (isLeaving(session)) await tellErased(environment);
  }

  const unwatchLink = watch(
    environment,
    () => db.readMeta('link'),
    () => linkRunner.kick(),
  );
  const unwatch = watch(
    environment,
    () => db.readMeta('session'),
    () => runner.kick(),
  );
  // The browser has closed the database, and may have cleared it: nothing that is watched tells of that.
  const closed = () => given.after(0, () => runner.kick());
  db.on('close', closed);

  return {
    read: (reading) => work?.read(reading),
    hurry: () => {
      storage.hurry();
      if (work) work.hurry();
      else runner.kick();
    },
    stop: async () => {
      db.on('close').unsubscribe(closed);
      unwatch();
      unwatchLink();
      await storage.stop();
      if (storage.sound) await dispatchLink(db, { name: 'failed', reason: 'interrupted' });
      await linkRunner.stop();
      await runner.stop();
      await Promise.all([work?.stop(), joined?.machine.close()]);
      work = null;
      joined = null;
    },
  };
}
