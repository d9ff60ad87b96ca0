/** What is done in one step, and how long after the one before. */
const perStep = 200;
export const stepMs = 100;

/** Does something with many things a few at a time: each costs the database, or a device, a question. */
export class Steps {
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  run<Item>(items: readonly Item[], act: (items: Item[]) => void): void {
    if (items.length === 0 || this.#stopped) return;
    act(items.slice(0, perStep));
    const rest = items.slice(perStep);
    if (rest.length === 0) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.run(rest, act);
    }, stepMs);
    this.#timers.add(timer);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
