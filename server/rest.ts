export type After = (ms: number, call: () => void) => () => void;

/** Waits a while, unless it is woken. One at a time. */
export class Rest {
  #end: () => void = () => undefined;

  /** @param after calls back after a while; the result takes that back */
  constructor(private readonly after: After = afterTimeout) {}

  of(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.after(ms, resolve);
      this.#end = () => {
        cancel();
        resolve();
      };
    });
  }

  wake(): void {
    this.#end();
  }
}

function afterTimeout(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

/** What a person does not notice, and in which a few of those come who come back together. */
const shortestMs = 25;
/** A person who is back in a storm waits no longer than this for others. */
const longestMs = 250;
/** So many times as long as a round took: most of the time is for something else. */
const restsPerRound = 8;

/**
 * How long after the start of a round the next one starts that nobody hurries. What a round costs is much the same for
 * one as for many; where rounds take long, many come, and more of them share one.
 * @param tookMs how long the last round took
 */
export const companyMs = (tookMs: number): number =>
  Math.min(longestMs, Math.max(shortestMs, tookMs * restsPerRound));
