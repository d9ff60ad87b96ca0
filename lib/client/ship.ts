import { AparteError, errors } from '../protocol/errors';
import { type Api, failureOf } from './api';
import type { Environment } from './environment';
import { uploadPicture } from './picture-transfers';
import { messageOf } from './seal';
import { markTried, settleSent } from './settle';

/**
 * Sends what the engine has encrypted and could not send, in the order of writing: for the service worker, when no
 * page is open. What needs more than that (another roster, a refusal) is left to the engine.
 * @param signal ends the sending of pictures, which may take long: texts go on
 * @returns how many were sent
 * @throws when the network or the server is away: the browser asks again
 */
export async function shipSealed(
  environment: Pick<Environment, 'db' | 'api' | 'media'>,
  signal: AbortSignal,
): Promise<number> {
  const { db, api } = environment;
  const me = await db.readMeta('session');
  if (me?.state !== 'signed_in') return 0;
  let shipped = 0;
  const left = new Set<string>();
  let lost: unknown;
  for (const row of await db.outbox.orderBy('id').toArray()) {
    const { conversationId, intent } = row;
    // A mark is encrypted only once there is a connection; until then nothing hangs on it.
    if (left.has(conversationId) || (!row.sealed && intent.kind === 'mark')) continue;
    try {
      if (row.sealed) await uploadPicture(environment, row, signal);
    } catch (error) {
      // A large one may fail where small ones get through. What is refused for good the engine tells.
      if (!(error instanceof AparteError) || errors[error.code].retry) lost ??= error;
      left.add(conversationId);
      continue;
    }
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
  if (lost !== undefined) throw lost;
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
