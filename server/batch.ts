import { frameSeparator } from '../lib/protocol/frames';

/**
 * Frames that leave for a connection as one message, in order. It is never changed: whoever gets the same frames
 * within a tick has the same batch, whose bytes are made once for all of them.
 */
export class Batch {
  /** The batch that was made last from this one and one frame more: others who get that frame find it here. */
  #longer: Batch | null = null;
  #payload: string | Uint8Array | null = null;

  private constructor(
    private readonly before: Batch | null,
    private readonly frame: string,
    /** How long the payload is in UTF-8. */
    readonly bytes: number,
    /** Whether several connections get it: then it is made into bytes once. */
    private readonly shared: boolean,
  ) {}

  static of(frame: string, shared: boolean): Batch {
    return new Batch(null, frame, Buffer.byteLength(frame), shared);
  }

  /** This batch, and the single frame of `other` after it. */
  and(other: Batch): Batch {
    const known = this.#longer;
    if (known !== null && known.frame === other.frame) return known;
    const bytes = this.bytes + frameSeparator.length + other.bytes;
    const longer = new Batch(this, other.frame, bytes, this.shared && other.shared);
    this.#longer = longer;
    return longer;
  }

  get payload(): string | Uint8Array {
    if (this.#payload !== null) return this.#payload;
    let text = this.frame;
    if (this.before !== null) {
      const frames = [];
      for (let batch: Batch | null = this; batch !== null; batch = batch.before) frames.push(batch.frame);
      text = frames.reverse().join(frameSeparator);
    }
    this.#payload = this.shared ? Buffer.from(text) : text;
    return this.#payload;
  }
}
