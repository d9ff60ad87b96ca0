import type { Hub } from './hub';
import type { Session } from './session';
import { returnsPerSecond } from './ws/admission';

const stepMs = 50;
/** A frame that is handled for longer than this is not waited for: what it asks is asked again elsewhere. */
const patienceMs = 5_000;
/** Devices of one step come back within this, wherever they find a node. */
const returnWithinMs = 1_000;

export interface DrainOptions {
  wait: (ms: number) => Promise<unknown>;
  /** However many there are, it takes no longer, and a little for those whose frames are being handled. */
  maxMs?: number;
}

/**
 * Sends the devices of a node away at the pace at which others can take them in. Those whose frames are being handled
 * get their answers first.
 */
export async function drain(hub: Hub, { wait, maxMs = 20_000 }: DrainOptions): Promise<void> {
  const all = [...hub.sessions()];
  const steps = Math.max(1, Math.ceil(Math.min(maxMs, (all.length / returnsPerSecond) * 1_000) / stepMs));
  const perStep = Math.ceil(all.length / steps);
  let busy: Session[] = [];
  const dismiss = (sessions: readonly Session[]) => {
    for (const session of sessions)
      if (session.handling > 0) busy.push(session);
      else hub.close(session, 'shutting_down', returnWithinMs);
  };
  for (let at = 0; at < all.length; at += perStep) {
    if (at > 0) await wait(stepMs);
    dismiss(all.slice(at, at + perStep));
  }
  for (let waited = 0; busy.length > 0 && waited < patienceMs; waited += stepMs) {
    await wait(stepMs);
    const rest = busy.filter((session) => session.open);
    busy = [];
    dismiss(rest);
  }
  for (const session of [...hub.sessions()]) hub.close(session, 'shutting_down', returnWithinMs);
}
