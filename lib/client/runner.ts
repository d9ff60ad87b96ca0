import { backoffMs } from './connection-state';
import type { Environment } from './environment';

/**
 * Runs one task at a time. A kick while it runs makes it run once more: no kick is lost, none piles up.
 * After a failure it waits for the next kick; the task itself says when to try again, unless there are pauses.
 */
export class Runner {
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #tries = 0;
  #cancelRetry: (() => void) | null = null;

  /** @param pauses where given, it kicks itself after a failure: after a pause that grows with each, and is bounded */
  constructor(
    private readonly task: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
    private readonly pauses: Pick<Environment, 'after' | 'random'> | null = null,
  ) {}

  kick(): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#run();
  }

  /** Resolves when what runs has ended; nothing runs after. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      this.#cancelRetry?.();
      try {
        await this.task();
        this.#tries = 0;
      } catch (error) {
        this.failed(error);
        this.#retryLater();
      }
    } while (this.#again && !this.#stopped);
    this.#running = null;
  }

  #retryLater(): void {
    if (!this.pauses || this.#stopped) return;
    const { after, random } = this.pauses;
    this.#cancelRetry = after(backoffMs(this.#tries++, random()), () => this.kick());
  }
}
