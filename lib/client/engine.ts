import type { Session } from './db';
import type { Environment } from './environment';
import { dispatchLink } from './link-intents';
import { isRunning } from './link-state';
import { performLink } from './linking';
import { performRecovery } from './recovery';
import { Runner } from './runner';
import { performSignUp, wipeCache } from './sign-up';
import { SignedIn } from './signed-in';
import { watch } from './watch';

export interface Engine {
  /** The network is back, or a person is looking: do not wait for the next try. */
  hurry: () => void;
  /** Resolves when nothing runs any more and the machine's store is closed. */
  stop: () => Promise<void>;
}

/**
 * The one engine of a browser profile: does what the database says a person asked for, and stores there what
 * arrives. The caller holds the profile's lock for as long as it runs.
 */
export function startEngine(environment: Environment): Engine {
  const { db } = environment;
  let work: SignedIn | null = null;

  const runner = new Runner(
    async () => {
      const session = (await db.readMeta('session')) ?? { state: 'signed_out' };
      if (session.state === 'signing_up') await performSignUp(environment, session);
      else if (session.state === 'recovering') await performRecovery(environment, session);
      else if (session.state === 'signed_in' && !work) {
        work = await SignedIn.start(environment, session, ended);
        linkRunner.kick();
      } else if (session.state === 'signed_in') work?.renamed(session.name);
      else if (session.state === 'ended' && work) await leave(session);
    },
    (error) => environment.log('engine', error),
  );

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
      if (session?.state === 'signed_in' && !work) return;
      if (await performLink(environment, link, work?.owner ?? null)) work?.linked();
    },
    (error) => environment.log('link', error),
  );

  function ended(code: Extract<Session, { state: 'ended' }>['code']): void {
    void db
      .writeMeta('session', { state: 'ended', code })
      .catch((error: unknown) => environment.log('engine', error));
  }

  /** A revoked device keeps nothing; one that the server merely does not know keeps its data until it starts anew. */
  async function leave(session: Extract<Session, { state: 'ended' }>): Promise<void> {
    await work?.stop();
    work = null;
    if (session.code !== 'device_revoked') return;
    await environment.wipeMachine();
    await wipeCache(environment);
    // The device that shut this one out waits for it; if it cannot be told, the next start does not try again.
    await environment.api.devices.wiped.mutate();
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

  return {
    hurry: () => work?.hurry(),
    stop: async () => {
      unwatch();
      unwatchLink();
      await dispatchLink(db, { name: 'failed', reason: 'interrupted' });
      await linkRunner.stop();
      await runner.stop();
      await work?.stop();
      work = null;
    },
  };
}
