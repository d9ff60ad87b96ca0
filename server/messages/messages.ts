import type * as z from 'zod';
import { AparteError } from '../../lib/protocol/errors';
import type { Mark, Message, pullMessages, SendMessage, SendResult } from '../../lib/protocol/messages';
import type { Asker, Ground } from '../ground';
import type { Committed } from '../notices';
import { withinBytes } from '../page-bytes';
import type { Committer } from './commit';
import type { CommitOutcome } from './commit-lane';

/**
 * Commits a message or mark, and then tells the members. The same message again answers as the first time and
 * stores nothing.
 * @throws not_found for who is no member, forbidden for who has not accepted, has left or has blocked,
 * conflict for a client id already used in another conversation, device_revoked, overloaded
 */
export async function send(
  ground: Ground & { committer: Committer },
  asker: Asker,
  message: SendMessage,
): Promise<SendResult> {
  const receivedAt = ground.now();
  const outcome = await ground.committer.commit({ sender: asker, message });
  switch (outcome.status) {
    case 'sent':
      ground.notices.committed({
        ...news(asker, message, outcome),
        times: { receivedAt, committedAt: ground.now() },
      });
      return { status: 'sent', seq: outcome.seq, at: outcome.at };
    case 'duplicate':
      return { status: 'sent', seq: outcome.seq, at: outcome.at };
    case 'stale':
      return { status: 'stale', rosterVersion: outcome.rosterVersion ?? 0 };
    default:
      throw new AparteError(outcome.status);
  }
}

function news(asker: Asker, message: SendMessage, outcome: CommitOutcome): Omit<Committed, 'times'> {
  const sent: Mark = {
    conversationId: message.conversationId,
    clientId: message.clientId,
    senderUserId: asker.userId,
    senderDeviceId: asker.deviceId,
    ciphertext: message.ciphertext,
    at: outcome.at,
  };
  return {
    userIds: outcome.userIds,
    frame:
      message.slot === 'mark'
        ? { t: 'mark', mark: sent }
        : { t: 'message', message: { ...sent, seq: outcome.seq } },
    envelopes: message.envelopes.flatMap((envelope, index) => {
      const id = outcome.envelopeIds.get(index);
      if (id === undefined) return [];
      const { recipientDeviceId, type, content } = envelope;
      const { senderUserId, senderDeviceId, conversationId } = sent;
      const from = { senderUserId, senderDeviceId, conversationId };
      return [{ recipientDeviceId, envelope: { id, ...from, type, content } }];
    }),
  };
}

/**
 * The messages after a number, in order, as many as are asked for or as a page holds, and where the conversation stands for the asker: who has left reads up to
 * that moment, who has joined from then on.
 * @throws not_found for who never was a member
 */
export async function pull(
  { db }: Ground,
  asker: Asker,
  { conversationId, after, limit }: z.infer<typeof pullMessages>,
): Promise<{ messages: Message[]; lastSeq: number }> {
  const mine = await db
    .selectFrom('members as m')
    .innerJoin('conversations as c', 'c.id', 'm.conversation_id')
    .select(['m.joined_seq', 'm.left_seq', 'c.last_seq'])
    .where('m.conversation_id', '=', conversationId)
    .where('m.user_id', '=', asker.userId)
    .executeTakeFirst();
  if (mine === undefined) throw new AparteError('not_found');
  const lastSeq = mine.left_seq ?? mine.last_seq;
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('conversation_id', '=', conversationId)
    .where('seq', '>', Math.max(Math.min(after, lastSeq), mine.joined_seq))
    .where('seq', '<=', lastSeq)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return {
    lastSeq,
    messages: withinBytes(rows, (row) => row.ciphertext).map((row) => ({
      conversationId: row.conversation_id,
      seq: row.seq,
      clientId: row.client_id,
      senderUserId: row.sender_user_id,
      senderDeviceId: row.sender_device_id,
      ciphertext: row.ciphertext,
      at: row.at,
    })),
  };
}
