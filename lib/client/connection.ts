import { returnWithinMs, withinMsOf } from '../protocol/close-reason';
import { AparteError, errors } from '../protocol/errors';
import { beat, beatMs, type DeviceFrame, framesOf, type ServerFrame } from '../protocol/frames';
import type { NoteResult, SendMessage, SendNote, SendResult } from '../protocol/messages';
import { type ConnectionEvent, type ConnectionState, nextConnectionState } from './connection-state';
import type { Environment, Socket } from './environment';

/** A silence of the server is asked about after this, also again and again while somebody looks on. */
const quietMs = 25_000;
/** So often while nobody does: a little before a beat would be due. */
const longQuietMs = 70_000;
/** Without an answer to that the peer counts as dead. */
const pongMs = 10_000;
const answerMs = 15_000;

type Answer = Extract<ServerFrame, { t: 'sent' | 'stale' | 'noted' | 'stale_note' }>;

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
  cancelTimer: () => void;
}

/** The connection is gone; what was asked may or may not have happened. */
export class ConnectionLost extends Error {}

/** Drives the socket by the state machine and pairs sends with their answers. */
export class Connection {
  #state: ConnectionState = { name: 'stopped' };
  #socket: Socket | null = null;
  #cancelTimer: (() => void) | null = null;
  #cancelBeat: (() => void) | null = null;
  #cancelSilence: (() => void) | null = null;
  #nextRequest = 1;
  #quietRounds = 0;
  #lookedAtUntil = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly environment: Pick<Environment, 'after' | 'now' | 'random' | 'openSocket'>,
    private readonly on: {
      state: (state: ConnectionState) => void;
      frame: (frame: ServerFrame) => void;
      /** So many times in a row a silence was asked about, and nothing but pongs has come. */
      quiet: (rounds: number) => void;
    },
  ) {}

  get state(): ConnectionState {
    return this.#state;
  }

  dispatch(event: ConnectionEvent): void {
    const before = this.#state;
    const after = nextConnectionState(before, event);
    if (after === before) return;
    this.#state = after;
    this.#cancelTimer?.();
    if (after.name === 'connecting') this.#open();
    if (after.name === 'waiting') {
      this.#cancelTimer = this.environment.after(after.delayMs, () => this.dispatch({ name: 'timer' }));
    }
    if (after.name !== 'connecting' && after.name !== 'catching_up' && after.name !== 'online') this.#drop();
    this.on.state(after);
  }

  /** @returns false when there is no connection: the frame is gone. */
  post(frame: DeviceFrame): boolean {
    if (!this.#socket || (this.#state.name !== 'online' && this.#state.name !== 'catching_up')) return false;
    this.#socket.send(JSON.stringify(frame));
    this.#beatLater(this.#socket);
    return true;
  }

  /** Somebody looks at this device, at least until then; a time that is past: nobody does. */
  looked(until: number): void {
    const before = this.#lookedAt();
    this.#lookedAtUntil = until;
    if (before || !this.#lookedAt() || this.#quietRounds === 0) return;
    // After a long silence the line may have died unnoticed.
    this.#quietRounds = 0;
    this.#askForWord();
  }

  #lookedAt(): boolean {
    return this.#lookedAtUntil > this.environment.now();
  }

  #beatLater(socket: Socket): void {
    this.#cancelBeat?.();
    this.#cancelBeat = this.environment.after(beatMs, () => {
      socket.send(beat);
      this.#beatLater(socket);
    });
  }

  /**
   * @throws ConnectionLost when no answer came: send the same bytes again
   * @throws AparteError with the server's code
   */
  async send(message: SendMessage): Promise<SendResult> {
    const answer = await this.#ask((r) => ({ t: 'send', r, message }));
    if (answer.t === 'stale') return { status: 'stale', rosterVersion: answer.rosterVersion };
    if (answer.t !== 'sent') throw new AparteError('internal');
    return { status: 'sent', seq: answer.seq, at: answer.at };
  }

  /** Sends a note to the account's other devices. Rejects as `send` does. */
  async tell(note: SendNote): Promise<NoteResult> {
    const answer = await this.#ask((r) => ({ t: 'note', r, note }));
    if (answer.t === 'stale_note') return { status: 'stale', devicesVersion: answer.devicesVersion };
    if (answer.t !== 'noted') throw new AparteError('internal');
    return { status: 'noted' };
  }

  #ask(question: (r: number) => DeviceFrame): Promise<Answer> {
    const r = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      if (!this.post(question(r))) {
        reject(new ConnectionLost());
        return;
      }
      const cancelTimer = this.environment.after(answerMs, () => {
        // The answer was lost or the peer is dead; a new connection tells which.
        this.#waiting.delete(r);
        reject(new ConnectionLost());
        this.#lost(errors.heartbeat_timeout.close);
      });
      this.#waiting.set(r, { resolve, reject, cancelTimer });
    });
  }

  #open(): void {
    this.#drop();
    const socket = this.environment.openSocket({
      // What a socket that was replaced still tells is none of ours.
      message: (text) => this.#socket === socket && this.#receive(text, socket),
      closed: (code, reason) => this.#socket === socket && this.#lost(code, withinMsOf(reason)),
    });
    this.#socket = socket;
    // A handshake that hangs is a failed one.
    this.#cancelTimer = this.environment.after(quietMs, () => this.#lost(errors.heartbeat_timeout.close));
  }

  #receive(message: string, socket: Socket): void {
    // The server is trusted for the form of its frames; their content is checked where it is decrypted.
    for (const frame of framesOf(message)) {
      // One of them may have ended the connection.
      if (this.#socket !== socket) return;
      this.#take(frame);
    }
  }

  #take(frame: ServerFrame): void {
    // What others are doing goes on by itself: it must not hide that messages have fallen silent.
    if (frame.t !== 'presence' && frame.t !== 'activity') {
      if (frame.t !== 'pong') this.#quietRounds = 0;
      this.#awaitNext();
    }
    if (frame.t === 'ready') {
      if (this.#socket) this.#beatLater(this.#socket);
      this.dispatch({
        name: 'ready',
        returnWithinMs: returnWithinMs.safeParse(frame.returnWithinMs).data ?? 0,
      });
    } else if (frame.t === 'sent' || frame.t === 'stale' || frame.t === 'noted' || frame.t === 'stale_note')
      this.#answer(frame.r)?.resolve(frame);
    else if (frame.t === 'error') {
      if (frame.r !== null) this.#answer(frame.r)?.reject(new AparteError(frame.code));
    } else if (frame.t !== 'pong') this.on.frame(frame);
  }

  #answer(r: number): Waiting | undefined {
    const waiting = this.#waiting.get(r);
    waiting?.cancelTimer();
    this.#waiting.delete(r);
    return waiting;
  }

  #awaitNext(): void {
    this.#cancelSilence?.();
    const silenceMs = this.#quietRounds === 0 || this.#lookedAt() ? quietMs : longQuietMs;
    this.#cancelSilence = this.environment.after(silenceMs, () => {
      this.#quietRounds += 1;
      this.#askForWord();
      this.on.quiet(this.#quietRounds);
    });
  }

  #askForWord(): void {
    if (!this.post({ t: 'ping' })) return;
    this.#cancelSilence?.();
    this.#cancelSilence = this.environment.after(pongMs, () => this.#lost(errors.heartbeat_timeout.close));
  }

  #lost(close: number, withinMs = 0): void {
    this.#drop();
    this.dispatch({ name: 'closed', close, withinMs, dice: this.environment.random() });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#cancelBeat?.();
    this.#cancelSilence?.();
    socket?.close();
    for (const waiting of this.#waiting.values()) {
      waiting.cancelTimer();
      waiting.reject(new ConnectionLost());
    }
    this.#waiting.clear();
  }
}
