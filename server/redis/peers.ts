/** A node that is silent for so long is dead, or as good as. */
const deadAfterMs = 15_000;
/** So long may this node not hear itself before it takes its link for dead. */
const deafAfterMs = 7_000;

/** Which other nodes live, by when they were heard last. Times are milliseconds that only grow. */
export class Peers {
  readonly #heardAt = new Map<string, number>();
  #heardMyselfAt = 0;
  #upAt = 0;

  constructor(private readonly now: () => number) {}

  /** How many were heard lately. */
  get size(): number {
    return this.#heardAt.size;
  }

  heard(nodeId: string): void {
    this.#heardAt.set(nodeId, this.now());
  }

  heardMyself(): void {
    this.#heardMyselfAt = this.now();
  }

  /** There is a link again: who could not be heard meanwhile may live. */
  up(): void {
    this.#upAt = this.now();
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

  /** Whether this node should have heard itself by now. */
  get deaf(): boolean {
    return this.now() - Math.max(this.#heardMyselfAt, this.#upAt) > deafAfterMs;
  }
}
