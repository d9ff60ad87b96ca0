import { backoffMs } from './connection-state';
import type { Environment } from './environment';
import { Runner } from './runner';
import { nextStorageState, type StorageState, storageTrouble } from './storage-state';

/** What is written to see whether there is room. */
const probeBytes = 64 * 1024;
/** Without anybody asking, room is looked for at least this seldom. */
const slowest = 6;
/** It counts as mended when nothing has failed for so long. */
const steadyMs = 60_000;

/**
 * Looks at every failure of the engine: one of the storage ends the work in order, and it goes on once something can be
 * written again. Tries are paced; a person who has made room need not wait for the next.
 */
export class StorageWatch {
  #state: StorageState = { state: 'sound' };
  /** How often it has failed without having held for a while since. */
  #tries = 0;
  /** The next try is due, or somebody has asked for it. */
  #due = false;
  #cancelTimer: (() => void) | null = null;
  readonly #runner: Runner;

  constructor(
    private readonly environment: Pick<Environment, 'db' | 'after' | 'random' | 'tellStorage' | 'log'>,
    private readonly on: {
      /** Ends what uses the storage. */
      pause: () => Promise<void>;
      resume: () => void;
    },
  ) {
    this.#runner = new Runner(
      () => this.#work(),
      (error) => environment.log('storage', error),
    );
  }

  get sound(): boolean {
    return this.#state.state === 'sound';
  }

  /** Takes note of a failure, if it is one of the storage. */
  failed(error: unknown): void {
    const trouble = storageTrouble(error);
    // What fails while the work is being ended tells nothing new.
    if (!trouble || !this.sound) return;
    this.#turn(nextStorageState(this.#state, { name: 'failed', trouble }, this.#tries));
    this.#due = this.#tries === 0 && this.#state.state === 'reopening';
    this.#runner.kick();
  }

  /** A person has made room, or wants it tried: what fails now has not failed many times before. */
  hurry(): void {
    this.#tries = 0;
    if (this.sound) return;
    this.#due = true;
    this.#runner.kick();
  }

  async stop(): Promise<void> {
    this.#cancelTimer?.();
    await this.#runner.stop();
  }

  async #work(): Promise<void> {
    if (this.sound) return;
    this.#cancelTimer?.();
    await this.on.pause();
    if (!this.#due || !(await this.#try())) this.#later();
  }

  /** @returns whether something could be written */
  async #try(): Promise<boolean> {
    this.#due = false;
    const { db, after } = this.environment;
    try {
      await db.writeMeta('probe', { bytes: 'x'.repeat(probeBytes) });
      await db.meta.delete('probe');
    } catch (error) {
      const trouble = storageTrouble(error) ?? 'broken';
      this.#turn(nextStorageState(this.#state, { name: 'failed', trouble }, this.#tries));
      return false;
    }
    this.#turn(nextStorageState(this.#state, { name: 'proved' }, this.#tries));
    this.#tries += 1;
    // What fails again at once has only seemed mended: the pauses go on growing.
    this.#cancelTimer = after(steadyMs, () => {
      this.#tries = 0;
    });
    this.on.resume();
    return true;
  }

  #later(): void {
    const { after, random } = this.environment;
    this.#tries += 1;
    this.#cancelTimer = after(backoffMs(Math.min(this.#tries, slowest), random()), () => {
      this.#due = true;
      this.#runner.kick();
    });
  }

  #turn(state: StorageState): void {
    this.#state = state;
    this.environment.tellStorage(state);
  }
}
