import type { ConversationRow } from '../../lib/client/db';
import { hintReading } from '../../lib/client/engine-start';
import { markRead } from '../../lib/client/intents';
import { author } from './author';

/** An engine that has heard the hint, and can tell the other devices, has stored it within this. */
const storedByThenMs = 300;

/** What was opened last from the list, until it is shown: by then it no longer says what was unread. */
let opened: { conversationId: string; firstUnread: number } | null = null;

/**
 * A click opens a conversation at its end, which reads it: said at once, so that the other devices know while this one
 * still draws. What comes after the click is read when it is seen.
 */
export function readOnOpening({ conversationId, unread, readSeq, cursor }: ConversationRow): void {
  // A second click on it finds nothing unread any more.
  if (unread === 0 && opened?.conversationId === conversationId) return;
  opened = unread > 0 ? { conversationId, firstUnread: readSeq + 1 } : null;
  if (!opened) return;
  hintReading({ conversationId, seq: cursor });
  // The engine stores it. Should none have heard, this does; at once it would only make the engine wait for it.
  setTimeout(() => void markRead(author, conversationId, cursor), storedByThenMs);
}

/** The number of the first message that was unread when the conversation was opened; `null`: none was. */
export function firstUnreadOf({ conversationId, unread, readSeq }: ConversationRow): number | null {
  if (opened?.conversationId === conversationId) return opened.firstUnread;
  return unread > 0 ? readSeq + 1 : null;
}

/** It is shown: opened another way, it shows what is unread then. */
export function shown(conversationId: string): void {
  if (opened?.conversationId === conversationId) opened = null;
}
