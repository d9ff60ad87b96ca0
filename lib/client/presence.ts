import type { PresenceState } from '../protocol/frames';
import type { SignalWork } from './work';

/** While a tab is looked at, `online` is said again this often, and believed a little longer than two of it. */
const renewEveryMs = 45_000;
const believeMs = 100_000;
/** A person who goes to and fro between tabs is told of at most this often. */
const pauseMs = 3_000;
/** A newcomer's contacts answer spread over this time, each at most so often. */
const answerWithinMs = 5_000;
const answerEveryMs = 30_000;
/** So many people are remembered as answered, or answered at a time, and so many words wait to be stored. */
const bound = 1_000;

/** What the frame of the server says. */
interface Heard {
  userId: string;
  state: PresenceState;
  broadcast: boolean;
  at: number;
}

/**
 * Says to the people of one's conversations when one is here, and notes what they say. The server keeps nothing of
 * it: a newcomer learns who is there from their answers, and whoever falls silent counts as away after a while.
 * Switched off, it says nothing, answers nothing and notes nothing.
 */
export class Presence {
  /** `null` until the database has told it: until then nothing is said. */
  #shown: boolean | null = null;
  #tabs: Record<string, number> | null = null;
  /** `online` is to be said though it was said before. */
  #due = false;
  #cancelPause: (() => void) | null = null;
  #cancelRenewal: (() => void) | null = null;
  readonly #answers = new Map<string, () => void>();
  readonly #answeredAt = new Map<string, number>();
  /** Words are stored one after another, so that the order of `saidAt` holds. */
  #storing: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(
    private readonly work: SignalWork,
    /** Until when others believe that I am here. An engine before this one may have said so. */
    private toldOnlineUntil: number,
  ) {}

  /** Which tabs are looked at, and until when. */
  seen(tabs: Record<string, number>): void {
    this.#tabs = tabs;
    this.#say();
  }

  show(shown: boolean): void {
    this.#shown = shown;
    if (!shown) {
      this.#cancelAnswers();
      this.#store(() => this.work.environment.db.presences.clear());
    }
    this.#say();
  }

  /** There is a new connection, or there are new people: what was said before may not have been heard. */
  renew(): void {
    this.#due = true;
    this.#say();
  }

  heard(word: Heard): void {
    // Renewals make good what is dropped here.
    if (!this.#shown || this.#waiting >= bound) return;
    if (word.userId === this.work.me.userId) {
      // Another device of mine went away while this one is looked at.
      if (word.state === 'away') this.renew();
      return;
    }
    this.#store(async () => {
      const wasOnline = await this.#note(word);
      // Who was online already has heard of me, or soon does: answering every renewal would cost n² words.
      if (word.state === 'online' && word.broadcast && !wasOnline) this.#answer(word.userId);
    });
  }

  async stop(): Promise<void> {
    // Words that are still being stored may ask for an answer.
    await this.#storing;
    this.#cancelPause?.();
    this.#cancelRenewal?.();
    this.#cancelAnswers();
  }

  #here(): boolean {
    const now = this.work.environment.now();
    return this.#shown === true && Object.values(this.#tabs ?? {}).some((until) => until > now);
  }

  /** Says what has changed, at once and then no more often than `pauseMs`: the last state is always said. */
  #say(): void {
    if (this.#cancelPause || this.#shown === null || this.#tabs === null) return;
    const { db, now, after } = this.work.environment;
    const state = this.#here() ? 'online' : 'away';
    const told = this.toldOnlineUntil > now() ? 'online' : 'away';
    if (state === told && !(this.#due && state === 'online')) return;
    // Without a connection it stays due: the next one renews.
    if (!this.work.online() || !this.work.post({ t: 'presence', state, toUserId: null })) return;
    this.#due = false;
    this.toldOnlineUntil = state === 'online' ? now() + believeMs : 0;
    this.#store(() => db.writeMeta('toldOnlineUntil', this.toldOnlineUntil));
    this.#cancelPause = after(pauseMs, () => {
      this.#cancelPause = null;
      this.#say();
    });
    this.#cancelRenewal?.();
    this.#cancelRenewal =
      state === 'away'
        ? null
        : after(renewEveryMs, () => {
            this.#due = true;
            this.#say();
          });
  }

  #answer(userId: string): void {
    const { now, after, random } = this.work.environment;
    if (!this.#here() || this.#answers.has(userId) || this.#answers.size >= bound) return;
    if (now() - (this.#answeredAt.get(userId) ?? Number.NEGATIVE_INFINITY) < answerEveryMs) return;
    if (this.#answeredAt.size >= bound) this.#answeredAt.clear();
    this.#answeredAt.set(userId, now());
    const answer = () => {
      this.#answers.delete(userId);
      if (this.#here()) this.work.post({ t: 'presence', state: 'online', toUserId: userId });
    };
    this.#answers.set(userId, after(random() * answerWithinMs, answer));
  }

  #cancelAnswers(): void {
    for (const cancel of this.#answers.values()) cancel();
    this.#answers.clear();
  }

  /** @returns whether the person counted as online before */
  async #note({ userId, state, at }: Heard): Promise<boolean> {
    const { db, now } = this.work.environment;
    // Switched off while the word waited to be stored.
    if (!this.#shown) return true;
    const before = await db.presences.get(userId);
    const wasOnline = before !== undefined && before.onlineUntil > now();
    if (before && before.saidAt > at) return wasOnline;
    await db.presences.put({
      userId,
      saidAt: at,
      onlineUntil: state === 'online' ? now() + believeMs : 0,
      lastSeenAt: now(),
    });
    return wasOnline;
  }

  #store(write: () => Promise<void>): void {
    const { log } = this.work.environment;
    this.#waiting += 1;
    this.#storing = this.#storing
      .then(write)
      .catch((error: unknown) => log('presence', error))
      .finally(() => {
        this.#waiting -= 1;
      });
  }
}
