import type { MessageRow } from '../../lib/client/db';

export interface Page {
  /** Oldest first. */
  rows: MessageRow[];
  /** There are no older ones. */
  whole: boolean;
  /** The limit that these were read for. */
  limit: number;
}

/**
 * The newest messages of one conversation, down to a floor. While one reads further up the floor is held: what one
 * reads must not slip away at the top because something comes at the bottom.
 */
export class MessageWindow {
  #limit = 0;
  #floor: number | null = null;
  /** How many have arrived while the floor was held, rounded up. */
  #arrived = 0;

  constructor(private readonly last: (count: number) => Promise<MessageRow[]>) {}

  async read(limit: number, held: boolean, step: number): Promise<Page> {
    // More are asked for: a new floor further down.
    if (limit !== this.#limit) this.#floor = null;
    this.#limit = limit;
    if (!held) {
      this.#floor = null;
      this.#arrived = 0;
    }
    for (;;) {
      const count = limit + this.#arrived;
      const rows = await this.last(count);
      const all = rows.length < count;
      const first = rows[0]?.order ?? 0;
      const floor = this.#floor ?? (all ? Number.NEGATIVE_INFINITY : first);
      if (all || first <= floor) {
        this.#floor = floor;
        const kept = rows.filter((row) => row.order >= floor);
        return { rows: kept, whole: all && kept.length === rows.length, limit };
      }
      this.#arrived += step;
    }
  }
}
