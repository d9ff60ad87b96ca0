import type { Batch } from './batch';

/** The part of a uWebSockets.js WebSocket that a session needs; no method may be called after its close. */
export interface Socket {
  /** @returns 2 when it was dropped because too much waits */
  send(payload: string | Uint8Array, isBinary: boolean): number;
  ping(message: string): number;
  /** What is sent within the call leaves in one write. */
  cork(call: () => void): unknown;
  end(closeCode: number, reason: string): void;
}

/**
 * One live connection of a device. There is one for every connected device, so it is one flat object: no closures, no
 * maps, no timers, and numbers small enough to be kept in place.
 */
export class Session {
  open = true;
  /** Whether other nodes can find it. */
  registered = false;
  /** The next session of the same user on this node. */
  next: Session | null = null;
  /** What is to be written at the end of this tick. */
  pending: Batch | null = null;
  /** Bytes sent that the device has not said to have read, and those of them sent since it was last asked. */
  unackedBytes = 0;
  unackedSincePing = 0;
  /** What the device has been asked to repeat; 0 when it has not been asked. */
  pingNonce = 0;
  /** When the allowances of frames and signals will be whole again, in ms of the node's clock. */
  framesWholeAt = 0;
  signalsWholeAt = 0;
  /** Frames of this device that are being handled, and their bytes. */
  handling = 0;
  handlingBytes = 0;

  constructor(
    readonly socket: Socket,
    readonly userId: string,
    readonly deviceId: string,
    /** Names the connection on this node. */
    readonly number: number,
    /** In whole ms of the node's clock. */
    readonly openedAt: number,
  ) {}
}
