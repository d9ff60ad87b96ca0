import { type ErrorCode, errorOfClose, errors } from '../protocol/errors';
import type { ConnectionStatus } from './meta';

/** The life of one device's connection, as a pure state machine: the driver does what the state says. */
export type ConnectionState =
  | { name: 'stopped' }
  | { name: 'connecting'; attempt: number }
  /** The socket is up; what was missed is being pulled. `returnWithinMs`: what the server asks for, should it die. */
  | { name: 'catching_up'; attempt: number; returnWithinMs: number }
  | { name: 'online'; returnWithinMs: number }
  | { name: 'waiting'; attempt: number; delayMs: number }
  /** The server said no for good. */
  | { name: 'ended'; code: ErrorCode };

export type ConnectionEvent =
  | { name: 'start' }
  | { name: 'ready'; returnWithinMs: number }
  | { name: 'caught_up' }
  /** `dice` in [0, 1) spreads the next try, over `withinMs` at least where the server has asked for it (else 0). */
  | { name: 'closed'; close: number; withinMs: number; dice: number }
  | { name: 'timer' }
  /** The machine's network came back, or a person asked: no more waiting. */
  | { name: 'hurry' }
  | { name: 'stop' };

const firstDelayMs = 500;
const longestDelayMs = 30_000;

/**
 * Exponential backoff with equal jitter: half of the delay is certain, half is chance, so that the devices of a
 * node that died do not come back in step.
 */
export function backoffMs(attempt: number, dice: number): number {
  const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling / 2 + (ceiling / 2) * dice);
}

type Of<Union, Name> = Extract<Union, { name: Name }>;
type Row<S extends ConnectionState> = {
  [E in ConnectionEvent['name']]: (state: S, event: Of<ConnectionEvent, E>) => ConnectionState;
};
type Table = { [S in ConnectionState['name']]: Row<Of<ConnectionState, S>> };

const stay = <S extends ConnectionState>(state: S): ConnectionState => state;
const stop = (): ConnectionState => ({ name: 'stopped' });
const connect = (): ConnectionState => ({ name: 'connecting', attempt: 0 });

function closed(
  attempt: number,
  { close, withinMs, dice }: Of<ConnectionEvent, 'closed'>,
  returnWithinMs = 0,
): ConnectionState {
  const code = errorOfClose(close);
  if (code && !errors[code].retry) return { name: 'ended', code };
  // A server that says when wants half of it kept; one that died is missed by all its devices at once, so they spread
  // over the whole of what it asked for while it lived.
  const least = backoffMs(attempt, 0);
  const most = Math.max(backoffMs(attempt, 1), code === undefined ? returnWithinMs : withinMs);
  const from = withinMs > 0 ? Math.max(least, most / 2) : least;
  return { name: 'waiting', attempt: attempt + 1, delayMs: Math.round(from + (most - from) * dice) };
}

const table: Table = {
  stopped: { start: connect, ready: stay, caught_up: stay, closed: stay, timer: stay, hurry: stay, stop },
  connecting: {
    start: stay,
    ready: ({ attempt }, { returnWithinMs }) => ({ name: 'catching_up', attempt, returnWithinMs }),
    caught_up: stay,
    closed: (state, event) => closed(state.attempt, event),
    timer: stay,
    hurry: stay,
    stop,
  },
  catching_up: {
    start: stay,
    ready: stay,
    caught_up: ({ returnWithinMs }) => ({ name: 'online', returnWithinMs }),
    // A server that accepts and drops is no reason to come back faster.
    closed: (state, event) => closed(state.attempt, event, state.returnWithinMs),
    timer: stay,
    hurry: stay,
    stop,
  },
  online: {
    start: stay,
    ready: stay,
    caught_up: stay,
    closed: (state, event) => closed(0, event, state.returnWithinMs),
    timer: stay,
    hurry: stay,
    stop,
  },
  waiting: {
    start: stay,
    ready: stay,
    caught_up: stay,
    closed: stay,
    timer: (state) => ({ name: 'connecting', attempt: state.attempt }),
    hurry: connect,
    stop,
  },
  ended: { start: connect, ready: stay, caught_up: stay, closed: stay, timer: stay, hurry: stay, stop },
};

export function nextConnectionState(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  // The table is total by its type; the pairing of a state with its row is what TypeScript cannot follow here.
  const row = table[state.name] as Row<ConnectionState>;
  const step = row[event.name] as (state: ConnectionState, event: ConnectionEvent) => ConnectionState;
  return step(state, event);
}

/** What a person is told of it. */
export function statusOf(state: ConnectionState, now: number): ConnectionStatus {
  if (state.name === 'waiting') return { state: 'waiting', retryAt: now + state.delayMs, at: now };
  if (state.name === 'stopped' || state.name === 'ended') return { state: 'offline', at: now };
  return { state: state.name, at: now };
}
