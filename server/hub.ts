import { randomFillSync } from 'node:crypto';
import { closeReason } from '../lib/protocol/close-reason';
import { type ErrorCode, errors } from '../lib/protocol/errors';
import { Batch } from './batch';
import type { Delivery } from './broker';
import { countOf, type Metrics } from './metrics/metrics';
import type { Session } from './session';
import { Writer } from './writer';

export interface HubOptions {
  metrics: Metrics;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Most bytes that one device may leave unread, kernel buffers included; it is cut, and pulls when it is back. */
  maxUnackedBytes?: number;
  /** Most for all devices of this node together. */
  maxUnackedBytesOfAll?: number;
  /** For tests: what chance, and the end of a tick, are. */
  nonce?: () => number;
  endOfTick?: (call: () => void) => void;
}

const maxShutOut = 1_000;

/** The live connections of this node, by user. */
export class Hub {
  /** The first of a user's sessions; each knows the next. */
  readonly #byUser = new Map<string, Session>();
  /** Devices that were shut out lately: one may be on its way in, its token found good just before. */
  readonly #shutOut = new Set<string>();
  readonly #writer: Writer;
  readonly #metrics: Metrics;
  readonly #now: () => number;
  #size = 0;

  constructor({
    metrics,
    now,
    maxUnackedBytes = 1024 * 1024,
    maxUnackedBytesOfAll = 256 * 1024 * 1024,
    nonce = randomNonce,
    endOfTick = setImmediate,
  }: HubOptions) {
    this.#metrics = metrics;
    this.#now = now;
    this.#writer = new Writer({
      maxUnackedBytes,
      maxUnackedBytesOfAll,
      everybody: () => this.sessions(),
      sessionCount: () => this.#size,
      nonce,
      endOfTick,
      metrics,
      slow: (session) => {
        metrics.slowConsumersCut.add();
        this.close(session, 'slow_consumer');
      },
    });
  }

  /** How many connections there are. */
  get size(): number {
    return this.#size;
  }

  /** How many people are connected. */
  get userCount(): number {
    return this.#byUser.size;
  }

  /** Bytes that all devices together have not said to have read. */
  get unackedBytes(): number {
    return this.#writer.unackedBytes;
  }

  /** Takes a session in. An older one of the same device is closed: the newest counts. */
  add(session: Session): void {
    for (const older of this.#ofDevice(session.userId, session.deviceId)) this.close(older, 'replaced');
    session.next = this.#byUser.get(session.userId) ?? null;
    this.#byUser.set(session.userId, session);
    this.#size += 1;
    this.#metrics.connectionsOpened.add();
    if (this.#shutOut.has(session.deviceId)) this.close(session, 'device_revoked');
  }

  /** Takes out what has closed. @returns whether it was there */
  remove(session: Session): boolean {
    if (!session.open) return false;
    session.open = false;
    this.#writer.forget(session);
    this.#unlink(session);
    this.#size -= 1;
    return true;
  }

  #unlink(session: Session): void {
    const { userId, next } = session;
    const first = this.#byUser.get(userId);
    if (first === session) {
      if (next === null) this.#byUser.delete(userId);
      else this.#byUser.set(userId, next);
    } else {
      // A user has a handful of devices.
      let before = first;
      while (before !== undefined && before.next !== session) before = before.next ?? undefined;
      if (before !== undefined) before.next = next;
    }
    session.next = null;
  }

  /** All sessions. Those that close or open meanwhile may be among them or not. */
  *sessions(): Generator<Session> {
    for (const first of this.#byUser.values())
      for (let session: Session | null = first; session !== null; ) {
        const { next }: Session = session;
        yield session;
        session = next;
      }
  }

  /** The text that is here already of a connected user's id, or else the given one. */
  known(userId: string): string {
    return this.#byUser.get(userId)?.userId ?? userId;
  }

  sessionsOf(userId: string): Session[] {
    const sessions: Session[] = [];
    for (let session = this.#byUser.get(userId) ?? null; session !== null; session = session.next)
      sessions.push(session);
    return sessions;
  }

  /** Hands a delivery to the connections of this node that it is meant for. */
  deliver(delivery: Delivery): void {
    switch (delivery.kind) {
      case 'frames':
        this.#deliverFrames(delivery);
        return;
      case 'device':
        for (const session of this.#ofDevice(delivery.userId, delivery.deviceId))
          this.send(session, delivery.frame);
        return;
      case 'close':
        if (delivery.code === 'device_revoked') this.#remember(delivery.deviceId);
        for (const session of this.#ofDevice(delivery.userId, delivery.deviceId))
          if (delivery.connection === null || delivery.connection === session.number)
            this.close(session, delivery.code);
    }
  }

  #remember(deviceId: string): void {
    if (this.#shutOut.size >= maxShutOut) {
      const [oldest] = this.#shutOut;
      if (oldest !== undefined) this.#shutOut.delete(oldest);
    }
    this.#shutOut.add(deviceId);
  }

  #deliverFrames({
    userIds,
    frame,
    exceptDeviceId,
    before,
    times,
  }: Extract<Delivery, { kind: 'frames' }>): void {
    // Made into bytes once, whatever the number of recipients.
    const batch = Batch.of(frame, userIds.length > 1);
    const first = before.length > 0 ? new Map(before.map((one) => [one.deviceId, one.frame])) : null;
    let sent = 0;
    for (const userId of userIds) {
      let session = this.#byUser.get(userId) ?? null;
      while (session !== null) {
        // It may be cut, and be unlinked by that.
        const { next }: Session = session;
        if (exceptDeviceId === null || session.deviceId !== exceptDeviceId) {
          const preceding = first?.get(session.deviceId);
          if (preceding !== undefined) this.send(session, preceding);
          if (session.open && this.#writer.send(session, batch)) sent += 1;
        }
        session = next;
      }
    }
    if (sent === 0) return;
    const { fanoutSockets, fanoutSeconds, deliverySeconds } = this.#metrics;
    this.#countSent(frame, batch.bytes, sent);
    fanoutSockets.add(sent);
    if (times === null) return;
    const at = this.#now();
    fanoutSeconds.add((at - times.committedAt) / 1000, sent);
    deliverySeconds.add((at - times.receivedAt) / 1000, sent);
  }

  /** Sends, or cuts a device that does not keep up. After a close nothing is sent. */
  send(session: Session, frame: string): void {
    if (!session.open) {
      this.#metrics.sendsDropped.closed.add();
      return;
    }
    const batch = Batch.of(frame, false);
    if (this.#writer.send(session, batch)) this.#countSent(frame, batch.bytes, 1);
  }

  #countSent(frame: string, bytes: number, sockets: number): void {
    // Every frame begins with its type: {"t":"message",…
    countOf(this.#metrics.framesSent, frame.slice(6, frame.indexOf('"', 6)), sockets);
    this.#metrics.sentBytes.add(bytes * sockets);
  }

  /** A pong has come. */
  acked(session: Session, text: string): void {
    this.#writer.acked(session, text);
  }

  /**
   * Takes the connection out and closes it with the code of the error table, what waits for it being written before.
   * @param withinMs asks the device to come back at a moment of its own choice within this time
   */
  close(session: Session, code: ErrorCode, withinMs?: number): void {
    if (!session.open) return;
    // Who does not read is not written to.
    if (code !== 'slow_consumer') this.#writer.write(session);
    if (!this.remove(session)) return;
    session.socket.end(errors[code].close ?? errors.internal.close, closeReason(code, withinMs));
  }

  #ofDevice(userId: string, deviceId: string): Session[] {
    return this.sessionsOf(userId).filter((session) => session.deviceId === deviceId);
  }
}

const pool = new Uint32Array(256);
let poolAt = pool.length;

/** From the system's randomness, a kilobyte at a time. */
function randomNonce(): number {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  return ((pool[poolAt++] ?? 0) >>> 2) + 1;
}
