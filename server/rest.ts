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
/** Rounds start so many times as far apart as the last one took, within these bounds. */
const restsPerRound = 8;

/**
 * Paces rounds of questions. What a round costs is much the same for one who asks as for many; where rounds take long,
 * many come, and more of them share the next one. A round that does not end well is followed by the longest rest.
 */
export class Pace {
  #startedAt = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  /** @param now milliseconds */
  constructor(private readonly now: () => number) {}

  /** For how long the next round rests that nobody hurries; 0: for no time. */
  get restMs(): number {
    const sinceMs = this.now() - this.#startedAt;
    // A clock that was put back is nobody's reason to wait.
    if (sinceMs < 0) return 0;
    const betweenStartsMs = Math.min(longestMs, Math.max(shortestMs, this.#tookMs * restsPerRound));
    return Math.max(0, betweenStartsMs - sinceMs);
  }

  started(): void {
    this.#startedAt = this.now();
    this.#tookMs = Number.POSITIVE_INFINITY;
  }

  ended(): void {
    this.#tookMs = this.now() - this.#startedAt;
  }
}
