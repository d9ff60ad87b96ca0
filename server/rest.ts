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
