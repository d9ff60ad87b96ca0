import type { MessageRow } from '../../lib/client/db';

/** One row of the list. */
export type Item =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'unread'; key: string }
  | { kind: 'message'; key: string; message: MessageRow; own: boolean; startsGroup: boolean };

/** Messages of one sender closer than this stand together. */
const togetherMs = 5 * 60_000;

/** Puts day separators, the divider before the first unread, and groups of one sender's messages in order. */
export function layOut(messages: MessageRow[], firstUnread: number | null, me: string): Item[] {
  const items: Item[] = [];
  let before: MessageRow | null = null;
  let divided = false;
  for (const message of messages) {
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
