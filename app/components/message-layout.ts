import type { MessageRow } from '../../lib/client/db';

/** One row of the list. */
export type Item =
  | { kind: 'start'; key: string }
  | { kind: 'day'; key: string; at: number }
  | { kind: 'unread'; key: string }
  | { kind: 'message'; key: string; message: MessageRow; own: boolean; startsGroup: boolean };

/** Messages of one sender closer than this stand together. */
const togetherMs = 5 * 60_000;

/**
 * Puts day separators, the divider before the first unread, and groups of one sender's messages in order. Unless the
 * messages are all there are, the oldest is not shown: it only tells what stands before the second, so that nothing
 * shown changes its height when older ones are put before it.
 */
export function layOut(
  messages: MessageRow[],
  whole: boolean,
  firstUnread: number | null,
  me: string,
): Item[] {
  const items: Item[] = whole ? [{ kind: 'start', key: 'start' }] : [];
  let before: MessageRow | null = whole ? null : (messages[0] ?? null);
  // With an unread one still above, the divider belongs above too.
  let divided = before !== null && firstUnread !== null && (before.seq ?? 0) >= firstUnread;
  for (const message of whole ? messages : messages.slice(1)) {
    const newDay = !before || !sameDay(before.at, message.at);
    if (newDay) items.push({ kind: 'day', key: `day-${message.id}`, at: message.at });
    const own = message.senderId === me;
    const divide: boolean = !divided && firstUnread !== null && !own && (message.seq ?? 0) >= firstUnread;
    if (divide) items.push({ kind: 'unread', key: 'unread' });
    divided ||= divide;
    const startsGroup =
      newDay ||
      divide ||
      before?.senderId !== message.senderId ||
      before.kind === 'group' ||
      message.at - before.at > togetherMs;
    items.push({ kind: 'message', key: message.id, message, own, startsGroup });
    before = message;
  }
  return items;
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
