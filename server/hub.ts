import { type ErrorCode, errors } from '../lib/protocol/errors';
import type { Delivery } from './broker';

/** What the hub needs of a connection. */
export interface Socket {
  send(frame: string): void;
  /** Bytes that the kernel has not taken yet. */
  bufferedBytes(): number;
  close(closeCode: number, reason: string): void;
}

export interface HubOptions {
  /** A device that leaves more than this unread is cut; it pulls when it is back. */
  maxBufferedBytes: number;
}

/** One live connection of a device. Kept small: there is one for every connected device. */
export class Session {
  constructor(
    readonly socket: Socket,
    readonly userId: string,
    readonly deviceId: string,
    readonly connectionId: string,
    readonly openedAt: number,
  ) {}
}

/** The live connections of this node, by user. */
export class Hub {
  readonly #byUser = new Map<string, Session[]>();
  readonly #maxBufferedBytes: number;
  #size = 0;

  constructor({ maxBufferedBytes }: HubOptions) {
    this.#maxBufferedBytes = maxBufferedBytes;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#size;
  }

  add(session: Session): void {
    const sessions = this.#byUser.get(session.userId);
    if (sessions === undefined) this.#byUser.set(session.userId, [session]);
    else sessions.push(session);
    this.#size += 1;
  }

  /** Removing one that is not there changes nothing. */
  remove(session: Session): void {
    const sessions = this.#byUser.get(session.userId);
    const at = sessions?.indexOf(session) ?? -1;
    if (sessions === undefined || at < 0) return;
    sessions.splice(at, 1);
    if (sessions.length === 0) this.#byUser.delete(session.userId);
    this.#size -= 1;
  }

  has(session: Session): boolean {
    return this.#byUser.get(session.userId)?.includes(session) ?? false;
  }

  /** Hands a delivery to the connections of this node that it is meant for. */
  deliver(delivery: Delivery): void {
    switch (delivery.kind) {
      case 'frames': {
        const before = new Map(delivery.before.map((one) => [one.deviceId, one.frame]));
        for (const userId of delivery.userIds)
          for (const session of [...(this.#byUser.get(userId) ?? [])]) {
            if (session.deviceId === delivery.exceptDeviceId) continue;
            const first = before.get(session.deviceId);
            if (first !== undefined) this.send(session, first);
            this.send(session, delivery.frame);
          }
        return;
      }
      case 'device':
        for (const session of this.#ofDevice(delivery.userId, delivery.deviceId))
          this.send(session, delivery.frame);
        return;
      case 'close':
        for (const session of this.#ofDevice(delivery.userId, delivery.deviceId))
          if (
            session.openedAt <= delivery.openedBefore &&
            session.connectionId !== delivery.exceptConnectionId
          )
            this.close(session, delivery.code);
    }
  }

  /** Sends, or cuts a device that does not keep up. After a close nothing is sent. */
  send(session: Session, frame: string): void {
    if (!this.has(session)) return;
    if (session.socket.bufferedBytes() > this.#maxBufferedBytes) {
      this.close(session, 'slow_consumer');
      return;
    }
    session.socket.send(frame);
  }

  /** Takes the connection out and closes it with the code of the error table. */
  close(session: Session, code: ErrorCode): void {
    if (!this.has(session)) return;
    this.remove(session);
    session.socket.close(errors[code].close ?? errors.internal.close, code);
  }

  closeAll(code: ErrorCode): void {
    for (const sessions of [...this.#byUser.values()])
      for (const session of [...sessions]) this.close(session, code);
  }

  #ofDevice(userId: string, deviceId: string): Session[] {
    return (this.#byUser.get(userId) ?? []).filter((session) => session.deviceId === deviceId);
  }
}
