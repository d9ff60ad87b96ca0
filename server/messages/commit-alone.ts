import * as z from 'zod';
import type { CommitInput } from './commit-statement';

/**
 * The commit of one message by whom an earlier commit has found to be one who may send at this version of the roster:
 * what `commit-statement.ts` would do with it, without what only a batch needs, which is most of that statement's work.
 *
 * The update waits for the conversation's row and then sees its newest version; where that is another one, or where
 * the message is there already, nothing is done and no row answered: the whole statement says what is the case. A
 * duplicate that another node commits meanwhile violates the unique index.
 */
export const commitAloneText = `
with counted as (
  update conversations set last_seq = last_seq + 1
  where id = $1 and roster_version = $2
    and not exists (select from messages where sender_device_id = $4 and client_id = $5)
  returning last_seq
)
insert into messages (conversation_id, seq, sender_user_id, sender_device_id, client_id, ciphertext, at)
select $1, last_seq, $3, $4, $5, $6, $7 from counted
returning seq`;

export const commitAloneValues = ({ sender, message }: CommitInput, at: number): unknown[] => [
  message.conversationId,
  message.rosterVersion,
  sender.userId,
  sender.deviceId,
  message.clientId,
  message.ciphertext,
  at,
];

/** None, or the message's number. */
export const commitAloneAnswer = z.array(z.object({ seq: z.number() })).max(1);
