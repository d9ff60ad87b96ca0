/** Messages after which Postgres answers; the others (Parse, Bind, Execute …) wait for one of these. */
const answered = new Set(['Q', 'S', 'H', 'F', 'X', 'c', 'd', 'f'].map((type) => type.charCodeAt(0)));

/**
 * Cuts the byte stream of the Postgres frontend protocol into groups that can be executed whole, because PGlite
 * runs to the end of whatever it is given and does not wait for the rest of a message.
 */
export class WireGroups {
  #waiting = Buffer.alloc(0);
  #started = false;

  /** Returns the groups that these bytes complete. */
  push(bytes: Uint8Array): Uint8Array[] {
    this.#waiting = this.#waiting.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#waiting, bytes]);
    const groups: Uint8Array[] = [];
    let groupStart = 0;
    let at = 0;
    for (;;) {
      // The startup message is the only one without a type byte in front of its length.
      const typeBytes = this.#started ? 1 : 0;
      if (this.#waiting.length < at + typeBytes + 4) break;
      const end = at + typeBytes + this.#waiting.readUInt32BE(at + typeBytes);
      if (this.#waiting.length < end) break;
      const type = this.#started ? this.#waiting[at] : undefined;
      at = end;
      if (type === undefined || answered.has(type)) {
        groups.push(Uint8Array.from(this.#waiting.subarray(groupStart, end)));
        groupStart = end;
        this.#started = true;
      }
    }
    this.#waiting = this.#waiting.subarray(groupStart);
    return groups;
  }
}

/** Whether an answer's last bytes are ReadyForQuery outside a transaction. */
export function endsIdle(tail: Uint8Array): boolean {
  const readyIdle = [0x5a, 0, 0, 0, 5, 0x49];
  return tail.length >= 6 && readyIdle.every((byte, index) => tail[tail.length - 6 + index] === byte);
}
