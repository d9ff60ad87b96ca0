import { limits } from '../protocol/limits';
import type { OutgoingEnvelope, SendMessage } from '../protocol/messages';
import type { MarkPayload, Payload } from './content';
import type { ConversationRow, OutboxRow, SealedIntent } from './db';
import { deliveredMarksUpTo, wishMark } from './intents';
import { sealPicture } from './picture-transfers';
import { recipients } from './roster';
import { envelopesOf } from './withdraw';
import type { Work } from './work';

/** A recipient device could not be given the key now: the message would be unreadable there for ever. */
export class RecipientUnready extends Error {}
/** A recipient's identity is not the one known: nothing is sent until a person has looked. */
export class IdentityChanged extends Error {}

/**
 * Tries to give a device its key before a message goes without it: one that never answers must not stop all. But what
 * no device of a person could read is not sent at all.
 */
const unreadyTries = 3;

/**
 * Encrypts an outbox row for the roster as this device knows it and stores the bytes before anything is sent.
 *
 * A row may have been sealed before, which the server has answered with `stale`. That answer is final (the roster's
 * version never comes back), so the intent is encrypted anew, with a new key if somebody is gone; the envelopes
 * of the refused one go along, since the machine counts them as delivered. What was taken back or written anew while
 * it was sealed is not stored.
 * @param tried whether it is sent at once, after which it cannot be taken back
 * @returns whether the bytes were stored
 */
export async function sealRow(
  work: Work,
  wished: OutboxRow,
  conversation: ConversationRow,
  tries: number,
  tried: boolean,
): Promise<boolean> {
  const { environment, machine, me } = work;
  const { db } = environment;
  const row = await sealPicture(work, wished);
  const clientId = row.intent.kind === 'message' ? row.intent.messageId : environment.newId();
  const revoked = await lately(work);
  const plaintext = JSON.stringify({ ...plaintextOf(work, row, conversation, clientId), ...revoked });
  const sealed = await machine.seal({
    conversationId: conversation.conversationId,
    recipientUserIds: recipients(conversation),
    plaintext,
    rotate: conversation.mustRotate,
  });
  if (sealed.identityChanged.length > 0) throw new IdentityChanged();
  const unready = sealed.withheld.some((device) => device.reason === 'no_session');
  if (sealed.unreached.length > 0 || (unready && tries < unreadyTries)) throw new RecipientUnready();
  if (sealed.withheld.length > 0)
    environment.log(`a key was withheld from ${sealed.withheld.length} devices`);
  const fresh: OutgoingEnvelope[] = sealed.envelopes
    .filter((envelope) => envelope.recipientDeviceId !== me.deviceId)
    .map(({ recipientDeviceId, type, content }) => ({ recipientDeviceId, type, content }));
  const result: Omit<SealedIntent, 'envelopes'> = {
    clientId,
    tried,
    slot: row.intent.kind === 'mark' ? 'mark' : 'log',
    rosterVersion: conversation.rosterVersion,
    ciphertext: sealed.ciphertext,
  };
  const stored = await db.transaction('rw', db.outbox, db.conversations, db.meta, async () => {
    const latest = await db.outbox.get(row.id);
    const isWanted = latest !== undefined && (tried || !latest.sealed?.tried);
    // Nobody gets the envelopes of what was taken back: the next message starts with a new key. This one did, if it had
    // to; what has come to stand there meanwhile is for the next.
    if (!isWanted || conversation.mustRotate)
      await db.conversations.update(conversation.conversationId, { mustRotate: !isWanted });
    if (!isWanted) return false;
    const envelopes = [...envelopesOf(latest), ...fresh];
    const isSame = JSON.stringify(latest.intent) === JSON.stringify(row.intent);
    await db.outbox.update(row.id, isSame ? { sealed: { ...result, envelopes } } : { envelopes });
    if (row.intent.kind === 'mark') await markAgain(work, conversation);
    return isSame;
  });
  await machine.shared(sealed.shareIds);
  return stored;
}

/** What was read or has come while a mark was being sealed is not in it, and asked for no other: another goes after it. */
async function markAgain({ environment }: Work, sealed: ConversationRow): Promise<void> {
  const { conversationId, cursor, readSeq } = sealed;
  const now = await environment.db.conversations.get(conversationId);
  if (now?.myState !== 'active') return;
  const came = now.cursor > cursor && now.members.length <= deliveredMarksUpTo;
  if (came || now.readSeq > readSeq) await wishMark(environment, conversationId);
}

const revokedForMs = 30 * 24 * 3_600_000;

/** The devices of this account that were shut out last. Nothing when there are none. */
async function lately({ environment, me }: Work): Promise<Pick<Payload, 'revoked'>> {
  const { db, now } = environment;
  const said = await db.revocations.where('userId').equals(me.userId).toArray();
  const revoked = said
    .filter(({ at }) => at > now() - revokedForMs)
    .sort((a, b) => b.at - a.at)
    .slice(0, limits.revocationsPerMessage)
    .map(({ deviceId, at, signature }) => ({ deviceId, at, signature }));
  return revoked.length > 0 ? { revoked } : {};
}

function plaintextOf(
  work: Work,
  row: OutboxRow,
  conversation: ConversationRow,
  id: string,
): Payload | MarkPayload {
  const common = { v: 1 as const, id, conversationId: conversation.conversationId };
  if (row.intent.kind !== 'message') {
    return {
      ...common,
      delivered: conversation.cursor,
      read: Math.min(conversation.readSeq, conversation.cursor),
    };
  }
  return { ...common, name: work.me.name, sentAt: row.at, content: row.intent.content };
}

/** What the server is sent of it. */
export function messageOf(
  conversationId: string,
  { clientId, slot, rosterVersion, ciphertext, envelopes }: SealedIntent,
): SendMessage {
  return { conversationId, clientId, slot, rosterVersion, ciphertext, envelopes };
}
