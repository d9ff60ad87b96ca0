interface Sender {
  /** The last number that came, or was told of. */
  last: number;
  /** Something after this number is missing, up to `missingTo`; null when nothing is. */
  missingAfter: number | null;
  missingTo: number;
}

/**
 * Watches the numbers of what other nodes send here, and knows after which something is missing. What is missing is
 * asked for until it is answered.
 */
export class Inbox {
  readonly #nodes = new Map<string, Sender>();

  /** A parcel has come. @returns whether it is new */
  received(nodeId: string, number: number): boolean {
    const node = this.#nodeOf(nodeId);
    if (number <= node.last) return false;
    if (number > node.last + 1) {
      node.missingAfter ??= node.last;
      node.missingTo = number - 1;
    }
    node.last = number;
    return true;
  }

  /** A node says how many parcels it has sent here. */
  told(nodeId: string, number: number): void {
    if (number === 0) return;
    const node = this.#nodeOf(nodeId);
    if (number <= node.last) return;
    node.missingAfter ??= node.last;
    node.missingTo = number;
    node.last = number;
  }

  /** What is to be asked for. */
  missing(): { nodeId: string; after: number }[] {
    return [...this.#nodes].flatMap(([nodeId, { missingAfter }]) =>
      missingAfter === null ? [] : [{ nodeId, after: missingAfter }],
    );
  }

  /** It is known whom everything up to a number was for. */
  answered(nodeId: string, upTo: number): void {
    const node = this.#nodes.get(nodeId);
    if (node !== undefined)
      node.missingAfter = node.missingTo <= upTo ? null : Math.max(upTo, node.missingAfter ?? 0);
  }

  /** A node is gone for good. @returns whether something of it was missing */
  forget(nodeId: string): boolean {
    const node = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    return node !== undefined && node.missingAfter !== null;
  }

  #nodeOf(nodeId: string): Sender {
    let node = this.#nodes.get(nodeId);
    if (node === undefined) {
      node = { last: 0, missingAfter: null, missingTo: 0 };
      this.#nodes.set(nodeId, node);
    }
    return node;
  }
}
