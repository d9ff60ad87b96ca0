/** Why a linking ended without a link. The sentences stand in the dictionaries under the same names. */
export type LinkFailure =
  /** Five minutes are over, or the code is unknown. */
  | 'expired'
  | 'used'
  | 'cancelled'
  /** The other device has ended it. */
  | 'ended'
  /** What was typed or scanned is no code, or not for the key that the server told. */
  | 'wrong_code'
  /** Both devices are signed in, or neither is. */
  | 'same_side'
  | 'wrong_check'
  /** The server told other keys than the device itself. */
  | 'mismatch'
  /** The app was closed meanwhile. */
  | 'interrupted'
  | 'offline'
  | 'too_many_devices'
  | 'refused';

/** How far a linking has come on this device: a row in the database, for the screens to show. */
export type LinkState =
  | { step: 'idle' }
  /** A person wants to show a code, or has read one. */
  | { step: 'opening'; code: string | null; device: LinkingDevice }
  | { step: 'showing'; code: string; expiresAt: number }
  | { step: 'meeting'; expiresAt: number }
  /** On the new device: the digits to be typed on the old one. */
  | { step: 'checking'; checkCode: string; expiresAt: number }
  /** On the old device: who wants in, and the digits once typed. */
  | { step: 'confirming'; name: string; kind: LinkedKind; typed: string | null; expiresAt: number }
  | { step: 'finishing'; expiresAt: number }
  | { step: 'done'; name: string }
  | { step: 'failed'; reason: LinkFailure };

/** How a new device will be called. */
export interface LinkingDevice {
  name: string;
  kind: LinkedKind;
}

export type LinkedKind = 'WEB' | 'MOBILE' | 'DESKTOP';

export type LinkEvent =
  | { name: 'start'; code: string | null; device: LinkingDevice }
  | { name: 'shown'; code: string; expiresAt: number }
  | { name: 'met'; expiresAt: number }
  | { name: 'digits'; checkCode: string }
  | { name: 'asked'; device: string; kind: LinkedKind }
  | { name: 'typed'; checkCode: string }
  | { name: 'confirmed' }
  | { name: 'linked'; device: string }
  | { name: 'failed'; reason: LinkFailure }
  | { name: 'cancel' }
  | { name: 'close' };

type Of<Union, Key extends string, Name> = Extract<Union, Record<Key, Name>>;
type Table = {
  [S in LinkState['step']]: {
    [E in LinkEvent['name']]: (state: Of<LinkState, 'step', S>, event: Of<LinkEvent, 'name', E>) => LinkState;
  };
};

const stay = <S extends LinkState>(state: S): LinkState => state;
const begin = (_: LinkState, { code, device }: Of<LinkEvent, 'name', 'start'>): LinkState => ({
  step: 'opening',
  code,
  device,
});
const fail = (_: LinkState, { reason }: { reason: LinkFailure }): LinkState => ({ step: 'failed', reason });
const cancel = (): LinkState => ({ step: 'failed', reason: 'cancelled' });
const idle = (): LinkState => ({ step: 'idle' });
const meet = (_: LinkState, { expiresAt }: { expiresAt: number }): LinkState => ({
  step: 'meeting',
  expiresAt,
});
const ignored = {
  start: stay,
  shown: stay,
  met: stay,
  digits: stay,
  asked: stay,
  typed: stay,
  confirmed: stay,
  linked: stay,
  failed: stay,
  cancel: stay,
  close: stay,
};
const running = { ...ignored, failed: fail, cancel };
const ended = { ...ignored, start: begin, close: idle };

/**
 * Every event in every state, for both sides. What comes late, such as digits typed after the end, changes nothing.
 * From every running state there is a way to `failed`, and from there to a new start.
 */
const table: Table = {
  idle: { ...ignored, start: begin },
  opening: {
    ...running,
    shown: (_, { code, expiresAt }) => ({ step: 'showing', code, expiresAt }),
    met: meet,
  },
  showing: { ...running, met: meet },
  meeting: {
    ...running,
    digits: ({ expiresAt }, { checkCode }) => ({ step: 'checking', checkCode, expiresAt }),
    asked: ({ expiresAt }, { device, kind }) => ({
      step: 'confirming',
      name: device,
      kind,
      typed: null,
      expiresAt,
    }),
  },
  checking: { ...running, confirmed: ({ expiresAt }) => ({ step: 'finishing', expiresAt }) },
  confirming: {
    ...running,
    typed: (state, { checkCode }) => ({ ...state, typed: checkCode }),
    confirmed: ({ expiresAt }) => ({ step: 'finishing', expiresAt }),
  },
  finishing: { ...running, linked: (_, { device }) => ({ step: 'done', name: device }) },
  done: ended,
  failed: ended,
};

export function nextLink(state: LinkState, event: LinkEvent): LinkState {
  const row = table[state.step] as Record<
    LinkEvent['name'],
    (state: LinkState, event: LinkEvent) => LinkState
  >;
  return row[event.name](state, event);
}

/** Whether the engine has something to do, or waits for somebody. */
export const isRunning = ({ step }: LinkState): boolean =>
  step !== 'idle' && step !== 'done' && step !== 'failed';
