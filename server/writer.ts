import type { Batch } from './batch';
import type { Metrics } from './metrics/metrics';
import type { Session } from './session';

export interface WriterOptions {
  /** Most bytes that one device may leave unread, wherever they wait: here, in either kernel, on the way. */
  maxUnackedBytes: number;
  /** Most for all devices of the node together; beyond it those who have more than their share are cut. */
  maxUnackedBytesOfAll: number;
  /** All sessions of the node, and how many they are. */
  everybody: () => Iterable<Session>;
  sessionCount: () => number;
  /** Random numbers from 1 to 2^30 that a device cannot guess. */
  nonce: () => number;
  /** Calls back at the end of the tick. */
  endOfTick: (call: () => void) => void;
  metrics: Pick<Metrics, 'socketWrites' | 'sendsDropped'>;
  /** The device does not keep up. */
  slow: (session: Session) => void;
}

/** After so many bytes at most a device is asked whether it has read them. */
const askEveryBytes = 64 * 1024;
/** While much is unread, one in so many writes asks somebody else, and looks at so many for that at most. */
const writesForOneMore = 16;
const lookedAtMost = 16;
/** No message is made longer than this by joining: others wait while one is written and read. */
const maxJoinedBytes = 64 * 1024;
/** While the node holds too much, nobody may leave more unread than this. */
const fairShareBytes = 64 * 1024;

/**
 * Writes frames to sockets: all that is bound for one within a tick in one message, and never more than a bound that is
 * not read. What the kernel has taken is not read yet (it takes megabytes for one who reads nothing), so the device is
 * asked by a ping with a number, which it repeats in order after the bytes before it: browsers do so by themselves.
 */
export class Writer {
  readonly #options: WriterOptions;
  #dirty: Session[] = [];
  #scheduled = false;
  #unackedBytes = 0;
  /** Who is still to be asked in turn, and how many were written to since the last was. A copy: no iterator of what changes. */
  #turns: Session[] = [];
  #writes = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Bytes that all devices together have not said to have read. */
  get unackedBytes(): number {
    return this.#unackedBytes;
  }

  /** Sends one frame to an open session at the end of the tick. @returns false when it was cut */
  send(session: Session, frame: Batch): boolean {
    const { maxUnackedBytes, maxUnackedBytesOfAll, slow, endOfTick, metrics } = this.#options;
    if (
      session.unackedBytes > maxUnackedBytes ||
      (this.#unackedBytes > maxUnackedBytesOfAll && session.unackedBytes > fairShareBytes)
    ) {
      metrics.sendsDropped.slow_consumer.add();
      slow(session);
      return false;
    }
    const { bytes } = frame;
    if (session.pending !== null && session.pending.bytes + bytes >= maxJoinedBytes) {
      this.write(session);
      if (!session.open) return false;
    }
    session.unackedBytes += bytes;
    session.unackedSincePing += bytes;
    this.#unackedBytes += bytes;
    if (session.pending !== null) {
      session.pending = session.pending.and(frame);
      return true;
    }
    session.pending = frame;
    this.#dirty.push(session);
    if (!this.#scheduled) {
      this.#scheduled = true;
      endOfTick(this.flush);
    }
    return true;
  }

  /** Writes what waits. */
  readonly flush = (): void => {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    if (this.#unackedBytes < this.#options.maxUnackedBytesOfAll / 4) this.#turns = [];
    if (this.#holdsMuch) {
      // Before the writes: whoever is written to anyway is asked with that.
      this.#writes += dirty.length;
      for (; this.#writes >= writesForOneMore; this.#writes -= writesForOneMore) this.#askOneMore();
    }
    for (const session of dirty) if (session.open) this.write(session);
  };

  get #holdsMuch(): boolean {
    return this.#unackedBytes > this.#options.maxUnackedBytesOfAll / 2;
  }

  /**
   * Many who were sent a little each, and read it, would look like many who do not read: nobody was asked yet. So when
   * half of what all may leave unread is there, a device is asked after its part of a quarter, with what it is sent
   * anyway: asking all of them at once holds a node of 15,000 up for half a second.
   */
  #askAfterBytes(): number {
    const { maxUnackedBytesOfAll, sessionCount } = this.#options;
    return this.#holdsMuch
      ? Math.min(askEveryBytes, maxUnackedBytesOfAll / 4 / sessionCount())
      : askEveryBytes;
  }

  /** Those who are sent nothing more would stay unasked: they are, in turn. */
  #askOneMore(): void {
    if (this.#turns.length === 0) this.#turns = [...this.#options.everybody()];
    for (let looked = 0; looked < lookedAtMost; looked++) {
      const session = this.#turns.pop();
      if (session === undefined) return;
      if (!session.open || session.pingNonce !== 0 || session.unackedSincePing === 0) continue;
      this.#ask(session);
      return;
    }
  }

  /** Asks in one write with what waits: a write costs more than all else here. */
  #ask(session: Session): void {
    session.pingNonce = this.#options.nonce();
    session.unackedSincePing = 0;
    let taken = true;
    session.socket.cork(() => {
      taken = this.#put(session);
      if (taken) session.socket.ping(String(session.pingNonce));
    });
    if (!taken) this.#options.slow(session);
  }

  /** Writes what waits for one, at once. */
  write(session: Session): void {
    if (session.pending === null) return;
    if (session.pingNonce === 0 && session.unackedSincePing >= this.#askAfterBytes()) this.#ask(session);
    else if (!this.#put(session)) this.#options.slow(session);
  }

  /** @returns false when the socket takes no more */
  #put(session: Session): boolean {
    const { pending } = session;
    if (pending === null) return true;
    const { metrics } = this.#options;
    session.pending = null;
    metrics.socketWrites.add();
    if (session.socket.send(pending.payload, false) !== 2) return true;
    metrics.sendsDropped.refused.add();
    return false;
  }

  /** The device repeats what it was asked: all that was sent before is read. Anything else is no answer. */
  acked(session: Session, text: string): void {
    if (session.pingNonce === 0 || text !== String(session.pingNonce)) return;
    session.pingNonce = 0;
    this.#unackedBytes -= session.unackedBytes - session.unackedSincePing;
    session.unackedBytes = session.unackedSincePing;
  }

  /** The session is over: what was bound for it is nobody's. */
  forget(session: Session): void {
    this.#unackedBytes -= session.unackedBytes;
    session.unackedBytes = 0;
    session.pending = null;
  }
}
