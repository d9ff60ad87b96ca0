import type { Environment } from './environment';
import { Runner } from './runner';
import { makeBlocks } from './search-blocks';
import { watch } from './watch';

/** What was said can be found this much later. */
const searchableAfterMs = 300;
/** While a history comes each of its pages touches blocks again, and making them takes from what brings it. */
const searchableInHistoryAfterMs = 20_000;

/** Makes what can be found, a moment after it has changed: what comes in a row is made once. */
export class SearchMaker {
  readonly #runner: Runner;
  readonly #unwatch: () => void;
  #cancelTimer: (() => void) | null = null;
  #historyComes = false;

  constructor(private readonly environment: Pick<Environment, 'db' | 'after' | 'log'>) {
    const { db, log } = environment;
    this.#runner = new Runner(
      async () => {
        while (await makeBlocks(db));
      },
      (error) => log('search', error),
    );
    this.#unwatch = watch(
      environment,
      () => db.searchDirty.limit(1).primaryKeys(),
      (blocks) => blocks.length > 0 && this.#later(),
    );
  }

  /** A history is being fetched, or no more. */
  history(comes: boolean): void {
    this.#historyComes = comes;
    if (!comes && this.#cancelTimer) this.#make();
  }

  async stop(): Promise<void> {
    this.#unwatch();
    this.#cancelTimer?.();
    await this.#runner.stop();
  }

  #later(): void {
    this.#cancelTimer ??= this.environment.after(
      this.#historyComes ? searchableInHistoryAfterMs : searchableAfterMs,
      () => this.#make(),
    );
  }

  #make(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#runner.kick();
  }
}
