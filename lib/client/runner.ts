/**
 * Runs one task at a time. A kick while it runs makes it run once more: no kick is lost, none piles up.
 * After a failure it waits for the next kick; the task itself says when to try again.
 */
export class Runner {
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(
    private readonly task: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
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
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.task();
      } catch (error) {
        this.failed(error);
      }
    } while (this.#again && !this.#stopped);
    this.#running = null;
  }
}
