import { errors } from '../protocol/errors';
import { type Api, failureOf } from './api';
import type { AparteDb } from './db';
import { messageOf } from './seal';
import { markTried, settleSent } from './settle';

/**
 * Sends what the engine has encrypted and could not send, in the order of writing: for the service worker, when no
 * page is open. What needs more than that (another roster, a refusal) is left to the engine.
 * @returns how many were sent
 * @throws when the network or the server is away: the browser asks again
 */
export async function shipSealed(db: AparteDb, api: Api): Promise<number> {
  const me = await db.readMeta('session');
  if (me?.state !== 'signed_in') return 0;
  let shipped = 0;
  const left = new Set<string>();
  for (const row of await db.outbox.orderBy('id').toArray()) {
    const { conversationId, intent } = row;
    // A mark is encrypted only once there is a connection; until then nothing hangs on it.
    if (left.has(conversationId) || (!row.sealed && intent.kind === 'mark')) continue;
    const sealed = row.sealed && (await markTried(db, row.id));
    const taken = !sealed && !(await db.outbox.get(row.id));
    if (taken) continue;
    const result = sealed && (await send(api, messageOf(conversationId, sealed)));
    if (!sealed || result?.status !== 'sent') {
      // What comes after it must not overtake it.
      left.add(conversationId);
      continue;
    }
    await settleSent(db, me, row, sealed, result);
    shipped += 1;
  }
  return shipped;
}

async function send(api: Api, message: Parameters<Api['messages']['send']['mutate']>[0]) {
  try {
    return await api.messages.send.mutate(message);
  } catch (error) {
    const code = failureOf(error);
    if (code === 'offline' || errors[code].retry) throw error;
    return null;
  }
}
