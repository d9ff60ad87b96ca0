import type { IncomingEnvelope } from '../protocol/messages';
import type { ConversationRow } from './db';
import { recentMessages } from './history';

/** So many messages before the newest are worth a question of their own, after the newest of all conversations. */
const farMessages = 40;
/** A conversation with more gaps than this is pulled in order. */
const gapsMost = 8;
/**
 * A device's envelopes are opened in their order, but for so many that may be passed over: a session keeps the keys of
 * forty (`MAX_MESSAGE_KEYS` in vodozemac's receiver chain). Half of it, since a device may have encrypted some that
 * never came, and sends them in an order a little different from that in which it did.
 */
const passedOverMost = 20;

/**
 * Of the envelopes that wait, those to take in first for a conversation. All of one's own devices are among them: what
 * these say of what was read, and of whom to trust, holds before a message is opened.
 */
export function aheadFor(
  conversationId: string,
  me: string,
  waiting: IncomingEnvelope[],
): IncomingEnvelope[] {
  const passedOver = new Map<string, number>();
  const inOrder = [...waiting].sort((a, b) => a.id - b.id);
  return inOrder.filter(({ conversationId: of, senderUserId, senderDeviceId }) => {
    const count = passedOver.get(senderDeviceId) ?? 0;
    if (senderUserId === me) return true;
    if (of === conversationId) return count <= passedOverMost;
    passedOver.set(senderDeviceId, count + 1);
    return false;
  });
}

/**
 * From where a conversation is pulled: of one that is far behind, the newest messages come first.
 * @param lastSeq the last number that the server told of; 0: unknown
 */
export function placeOf({ conversationId, cursor, gaps = [] }: ConversationRow, lastSeq: number) {
  const upTo = lastSeq - recentMessages;
  const isFar = upTo - cursor > farMessages && gaps.length < gapsMost;
  return { conversationId, after: isFar ? upTo : cursor };
}
