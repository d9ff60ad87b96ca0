import type { CryptoMachine } from '../crypto/types';
import type { DeviceFrame } from '../protocol/frames';
import type { NoteResult, SendMessage, SendNote, SendResult } from '../protocol/messages';
import type { Environment } from './environment';
import type { Session } from './meta';

/** What is enough for those parts that only tell and hear what passes. */
export interface SignalWork {
  environment: Pick<Environment, 'db' | 'now' | 'after' | 'random' | 'log'>;
  me: { userId: string };
  post: (frame: DeviceFrame) => boolean;
  online: () => boolean;
}

/** What the parts of a signed-in engine share. */
export interface Work {
  environment: Environment;
  machine: CryptoMachine;
  me: Extract<Session, { state: 'signed_in' }>;
  /** Sends a message; see `Connection.send`. */
  send: (message: SendMessage) => Promise<SendResult>;
  /** Tells the other devices of the account; see `Connection.tell`. */
  tell: (note: SendNote) => Promise<NoteResult>;
  /** Sends a frame that has no answer. @returns false when there is no connection */
  post: (frame: DeviceFrame) => boolean;
  online: () => boolean;
  /**
   * Ends with the engine, and a while after another connection has taken the place of this one: what takes long is not
   * waited for for ever over a line that is gone, nor begun anew because a socket was.
   */
  line: () => AbortSignal;
}
