import { activityKind, type DeviceFrame, deviceFrame, type ServerFrame } from '../../lib/protocol/frames';
import { idLength, idPattern } from '../../lib/protocol/ids';
import { limits } from '../../lib/protocol/limits';
import { ack, tell } from '../envelopes/envelopes';
import type { Asker, Ground } from '../ground';
import type { Committer } from '../messages/commit';
import { send } from '../messages/messages';
import { addFigures } from '../metrics/figures';
import { stopwatch } from '../metrics/metrics';
import { tellActivity } from '../presence/activity';
import { tellPresence } from '../presence/presence';
import { codeOf } from '../refusal';

export interface FrameOptions<By extends Asker> {
  ground: Ground & { committer: Committer };
  reply(to: By, frame: ServerFrame): void;
  /** Whether this connection may have something passed on to others once more. */
  maySignal(by: By, cost: number): boolean;
  /** For errors that are nobody's refusal; gets no content. */
  onFailure(error: unknown, frame: DeviceFrame): void;
}

/** A word to everyone counts as so many words to one. */
const broadcastCost = 5;
/** A report of figures counts so many: ten seconds' worth, where an honest device sends one in ten minutes. */
const figuresCost = 20;

type Parsed = { frame: DeviceFrame } | { r: number | null; code: 'invalid_input' | 'too_large' };

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What comes most, as a device writes it: it is known by its bytes, without the way through text and JSON. */
const activityStart = Buffer.from('{"t":"activity","conversationId":"');
const activityEnds = activityKind.options.map((kind) => ({ kind, end: Buffer.from(`","kind":"${kind}"}`) }));
const activityIdEnd = activityStart.length + idLength;

/** The same written otherwise is read the long way. */
function activityOf(bytes: Buffer): DeviceFrame | null {
  if (!hasAt(bytes, 0, activityStart)) return null;
  for (const { kind, end } of activityEnds) {
    if (bytes.length !== activityIdEnd + end.length || !hasAt(bytes, activityIdEnd, end)) continue;
    const conversationId = bytes.toString('latin1', activityStart.length, activityIdEnd);
    return idPattern.test(conversationId) ? { t: 'activity', conversationId, kind } : null;
  }
  return null;
}

/** Compared here, since a call into Node costs more than so few bytes. */
function hasAt(bytes: Buffer, at: number, part: Buffer): boolean {
  for (let place = 0; place < part.length; place++) if (bytes[at + place] !== part[place]) return false;
  return true;
}

/** Reads one frame. An unreadable one keeps its request number where that can be seen. */
export function parseFrame(bytes: Buffer): Parsed {
  if (bytes.byteLength > limits.frameMaxBytes) return { r: null, code: 'too_large' };
  const activity = activityOf(bytes);
  if (activity !== null) return { frame: activity };
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return { r: null, code: 'invalid_input' };
  }
  const parsed = deviceFrame.safeParse(value);
  return parsed.success ? { frame: parsed.data } : { r: requestOf(value), code: 'invalid_input' };
}

function requestOf(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('r' in value)) return null;
  return typeof value.r === 'number' && Number.isSafeInteger(value.r) && value.r >= 0 ? value.r : null;
}

/**
 * Does what a frame asks and answers it. Most frames are signals about what is known here: they are done at once.
 * @returns a promise that never rejects where there is something to wait for
 */
export function handleFrame<By extends Asker>(
  frame: DeviceFrame,
  by: By,
  options: FrameOptions<By>,
): Promise<void> | undefined {
  const { metrics } = options.ground;
  const seconds = stopwatch();
  const ended = () => metrics.frameSeconds[frame.t].add(seconds());
  try {
    const doing = perform(frame, by, options);
    if (doing !== undefined) return doing.catch((error) => failed(error, frame, by, options)).finally(ended);
  } catch (error) {
    failed(error, frame, by, options);
  }
  ended();
  return undefined;
}

function perform<By extends Asker>(
  frame: DeviceFrame,
  by: By,
  { ground, reply, maySignal }: FrameOptions<By>,
): Promise<void> | undefined {
  switch (frame.t) {
    case 'send':
      return send(ground, by, frame.message).then((result) => {
        if (result.status === 'sent') reply(by, { t: 'sent', r: frame.r, seq: result.seq, at: result.at });
        else reply(by, { t: 'stale', r: frame.r, rosterVersion: result.rosterVersion });
      });
    case 'note':
      return tell(ground, by, frame.note).then((result) => {
        if (result.status === 'noted') reply(by, { t: 'noted', r: frame.r });
        else reply(by, { t: 'stale_note', r: frame.r, devicesVersion: result.devicesVersion });
      });
    case 'ack':
      return ack(ground, by, frame.ids);
    case 'activity':
      return maySignal(by, 1) ? tellActivity(ground, by, frame) : undefined;
    case 'presence':
      return maySignal(by, frame.toUserId === null ? broadcastCost : 1)
        ? tellPresence(ground, by, frame)
        : undefined;
    case 'figures':
      if (maySignal(by, figuresCost)) addFigures(ground.metrics, frame.figures);
      return undefined;
    case 'ping':
      reply(by, { t: 'pong' });
      return undefined;
  }
}

function failed<By extends Asker>(
  error: unknown,
  frame: DeviceFrame,
  by: By,
  { ground, reply, onFailure }: FrameOptions<By>,
): void {
  const code = codeOf(error);
  ground.metrics.errors[code].add();
  if (code === 'internal') onFailure(error, frame);
  reply(by, { t: 'error', r: frame.t === 'send' || frame.t === 'note' ? frame.r : null, code });
}
