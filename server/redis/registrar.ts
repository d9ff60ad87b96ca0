import type { LocalNode } from '../broker';
import { Pace, Rest } from '../rest';
import type { Session } from '../session';
import { type Entered, type Registry, ttlSeconds } from './registry';

export interface RegistrarOptions {
  registry: Registry;
  node: LocalNode;
  linked: () => boolean;
  /** A session is in the table, and where its device was said to be before. */
  entered: (entered: Entered) => void;
  /** Others may have routed past this device for longer than they remember. */
  missed: (session: Session) => void;
  onError: (error: unknown) => void;
}

/** A device that was registered so late may have been routed past, by others who do not know it any more. */
const lateMs = 30_000;
/** Every session is renewed once in this time. */
const renewWithinMs = (ttlSeconds * 1000) / 3;
const perRound = 200;

/** Keeps the table of sessions as this node's connections are: what changes while a round is under way is the next. */
export class Registrar {
  readonly #options: RegistrarOptions;
  #changes: { session: Session; here: boolean; since: number }[] = [];
  #running: Promise<void> | null = null;
  /** Still to be renewed in this round, of those who were there when it began: newcomers would put off its end for ever. */
  #renewing: Session[] = [];
  #renewedAtOnce = 0;
  readonly #rest = new Rest();
  readonly #pace = new Pace(() => performance.now());

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  connected(session: Session): void {
    this.#change(session, true);
  }

  disconnected(session: Session): void {
    if (session.registered || this.#running !== null) this.#change(session, false);
  }

  /** There is a link again, after so long: everyone is put in anew. */
  up(awayMs: number): void {
    this.#changes = [];
    this.#run(this.#enterAll(awayMs));
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running !== null) {
      this.#rest.wake();
      await this.#running;
    }
  }

  /** Renews a few, round and round, so that in time each had its turn. @param everyMs how often this is called */
  renew(everyMs: number): void {
    const { node, registry, onError } = this.#options;
    if (this.#renewing.length === 0) {
      this.#renewing = [...node.sessions()];
      this.#renewedAtOnce = Math.ceil((this.#renewing.length * everyMs) / renewWithinMs);
    }
    const sessions = this.#renewing.splice(-this.#renewedAtOnce).filter((session) => session.open);
    if (sessions.length > 0) registry.renew(sessions).catch(onError);
  }

  #change(session: Session, here: boolean): void {
    // Without a link nothing is queued: all that is there is put in when it is back.
    if (!this.#options.linked()) return;
    this.#changes.push({ session, here, since: performance.now() });
    if (this.#running === null) this.#run(this.#enterChanged());
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work.catch(this.#options.onError).then(() => {
      if (this.#running !== running) return;
      this.#running = null;
      if (this.#changes.length > 0 && this.#options.linked()) this.#run(this.#enterChanged());
    });
    this.#running = running;
  }

  async #enterChanged(): Promise<void> {
    const { registry, missed } = this.#options;
    const { restMs } = this.#pace;
    if (restMs > 0) await this.#rest.of(restMs);
    const changes = this.#changes;
    this.#changes = [];
    const coming = changes.filter(({ session, here }) => here && session.open);
    try {
      this.#pace.started();
      this.#entered(await registry.enter(coming.map(({ session }) => session)));
      await registry.leave(changes.filter(({ here }) => !here).map(({ session }) => session));
      this.#pace.ended();
    } catch (error) {
      // Redis has refused: they are tried again. Without a link all are put in anew later.
      if (this.#options.linked()) this.#changes = [...changes, ...this.#changes];
      throw error;
    }
    const now = performance.now();
    for (const { session, since } of coming) if (now - since > lateMs) missed(session);
  }

  async #enterAll(awayMs: number): Promise<void> {
    const { registry, node, missed } = this.#options;
    const sessions = [...node.sessions()];
    for (let at = 0; at < sessions.length; at += perRound) {
      const batch = sessions.slice(at, at + perRound).filter((session) => session.open);
      const known = new Set(batch.filter((session) => session.registered));
      const entered = await registry.enter(batch);
      this.#entered(entered);
      for (const { session, before } of entered)
        if (!known.has(session) || (before === null && awayMs > lateMs)) missed(session);
    }
  }

  #entered(entered: readonly Entered[]): void {
    for (const one of entered) {
      one.session.registered = true;
      this.#options.entered(one);
    }
  }
}
