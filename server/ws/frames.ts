import { type DeviceFrame, deviceFrame, type ServerFrame } from '../../lib/protocol/frames';
import { limits } from '../../lib/protocol/limits';
import { ack, note } from '../envelopes/envelopes';
import type { Asker, Ground } from '../ground';
import type { Committer } from '../messages/commit';
import { send } from '../messages/messages';
import { addFigures } from '../metrics/figures';
import { stopwatch } from '../metrics/metrics';
import { tellActivity } from '../presence/activity';
import { tellPresence } from '../presence/presence';
import { codeOf } from '../refusal';

export interface FrameOptions {
  ground: Ground & { committer: Committer };
  asker: Asker;
  reply(frame: ServerFrame): void;
  /** Whether this connection may have something passed on to others once more. */
  maySignal(cost: number): boolean;
  /** For errors that are nobody's refusal; gets no content. */
  onFailure(error: unknown): void;
}

/** A word to everyone counts as so many words to one. */
const broadcastCost = 5;
/** A report of figures counts so many: ten seconds' worth, where an honest device sends one in ten minutes. */
const figuresCost = 20;

type Parsed = { frame: DeviceFrame } | { r: number | null; code: 'invalid_input' | 'too_large' };

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads one frame. An unreadable one keeps its request number where that can be seen. */
export function parseFrame(bytes: ArrayBuffer | Uint8Array): Parsed {
  if (bytes.byteLength > limits.frameMaxBytes) return { r: null, code: 'too_large' };
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

/** Does what a frame asks and answers it. Never rejects. */
export async function handleFrame(frame: DeviceFrame, options: FrameOptions): Promise<void> {
  const { ground, asker, reply } = options;
  const { metrics } = ground;
  const seconds = stopwatch();
  try {
    switch (frame.t) {
      case 'send': {
        const result = await send(ground, asker, frame.message);
        if (result.status === 'sent') reply({ t: 'sent', r: frame.r, seq: result.seq, at: result.at });
        else reply({ t: 'stale', r: frame.r, rosterVersion: result.rosterVersion });
        return;
      }
      case 'note': {
        const result = await note(ground, asker, frame.note);
        if (result.status === 'noted') reply({ t: 'noted', r: frame.r });
        else reply({ t: 'stale_note', r: frame.r, devicesVersion: result.devicesVersion });
        return;
      }
      case 'ack':
        await ack(ground, asker, frame.ids);
        return;
      case 'activity':
        if (options.maySignal(1)) await tellActivity(ground, asker, frame);
        return;
      case 'presence':
        if (options.maySignal(frame.toUserId === null ? broadcastCost : 1))
          await tellPresence(ground, asker, frame);
        return;
      case 'figures':
        if (options.maySignal(figuresCost)) addFigures(metrics, frame.figures);
        return;
      case 'ping':
        reply({ t: 'pong' });
    }
  } catch (error) {
    const code = codeOf(error);
    metrics.errors[code].add();
    if (code === 'internal') options.onFailure(error);
    reply({ t: 'error', r: frame.t === 'send' || frame.t === 'note' ? frame.r : null, code });
  } finally {
    metrics.frameSeconds[frame.t].add(seconds());
  }
}
