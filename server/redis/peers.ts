/** A node that is silent for so long is dead, or as good as. */
const deadAfterMs = 15_000;
/** So many words of this node in a row may not come back before it takes its link for dead. */
const unheardMost = 3;

/** Which other nodes live, by when they were heard last. Times are milliseconds that only grow. */
export class Peers {
  readonly #heardAt = new Map<string, number>();
  #unheard = 0;
  #upAt = 0;

  constructor(private readonly now: () => number) {}

  /** How many were heard lately. */
  get size(): number {
    return this.#heardAt.size;
  }

  heard(nodeId: string): void {
    this.#heardAt.set(nodeId, this.now());
  }

  /** Said by this node, to be heard by it as well. */
  saidAlive(): void {
    this.#unheard += 1;
  }

  heardMyself(): void {
    this.#unheard = 0;
  }

  /** There is a link again: who could not be heard meanwhile may live. */
  up(): void {
    this.#upAt = this.now();
    this.#unheard = 0;
    for (const nodeId of this.#heardAt.keys()) this.#heardAt.set(nodeId, this.#upAt);
  }

  lives(nodeId: string): boolean {
    // Who has just come does not know whom it has not heard.
    return this.now() - (this.#heardAt.get(nodeId) ?? this.#upAt) < deadAfterMs;
  }

  /** Forgets those who are dead. @returns them */
  sweep(): string[] {
    const dead = [...this.#heardAt.keys()].filter((nodeId) => !this.lives(nodeId));
    for (const nodeId of dead) this.#heardAt.delete(nodeId);
    return dead;
  }

  /** Whether this node should have heard itself by now; by its words and not by the clock, since it may be late. */
  get deaf(): boolean {
    return this.#unheard > unheardMost;
  }
}
