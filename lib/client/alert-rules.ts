import type { AlertRule, AlertSettings } from './alerts';
import type { ConversationRow, MessageRow } from './db';

/** Of what a person is told, and how loudly. Pure: the clock and the time zone come from outside. */

export const defaultAlertSettings: AlertSettings = { on: false, content: 'text', sound: true, quiet: null };

/** `mutedUntil` of a conversation that is never to be heard again, ms. */
export const forEver = Number.MAX_SAFE_INTEGER;

export const isMuted = ({ alertRule }: { alertRule?: AlertRule | undefined }, now: number): boolean =>
  (alertRule?.mutedUntil ?? 0) > now;

/** Whether a text names a person: `@handle`, not as a part of something longer. */
export function mentions(text: string, handle: string): boolean {
  const wanted = handle.toLowerCase();
  // A dot or underscore belongs to a handle if more of it follows, and to the sentence if not.
  for (const [, found] of text.matchAll(/(?<![\p{L}\p{N}_@.])@([a-z](?:[a-z0-9]|[._]+(?=[a-z0-9_]))*_*)/giu))
    if (found?.toLowerCase() === wanted) return true;
  return false;
}

/** Whether a message speaks to a person. @param repliedTo as below */
export const isMeant = (
  { body }: Pick<MessageRow, 'body'>,
  me: { userId: string; handle: string },
  repliedTo: string | null,
): boolean => repliedTo === me.userId || mentions(body, me.handle);

/**
 * Whether somebody is to be told of a message.
 * @param repliedTo who wrote what it answers; `null` when it answers nothing that is known here
 */
export function isAlerting(
  message: Pick<MessageRow, 'kind' | 'status' | 'senderId' | 'deleted' | 'body' | 'seq'>,
  conversation: ConversationRow,
  me: { userId: string; handle: string },
  repliedTo: string | null,
  now: number,
): boolean {
  if (message.kind !== 'text' || message.deleted || message.senderId === me.userId) return false;
  if (message.status !== 'received' || message.seq === null || message.seq <= conversation.readSeq)
    return false;
  if (conversation.myState !== 'active' && conversation.myState !== 'requested') return false;
  if (isMuted(conversation, now)) return false;
  if (conversation.kind !== 'group' || !conversation.alertRule?.mentionsOnly) return true;
  return isMeant(message, me, repliedTo);
}

/** Whether it is quiet now: from `from` until `to`, minutes of the day on this device's clock, also over midnight. */
export function isQuiet({ quiet }: AlertSettings, now: number, timeZone: string): boolean {
  if (!quiet || quiet.from === quiet.to) return false;
  const minute = minuteOfDay(now, timeZone);
  return quiet.from < quiet.to
    ? minute >= quiet.from && minute < quiet.to
    : minute >= quiet.from || minute < quiet.to;
}

/** Whether what a person is told now makes neither sound nor vibration. */
export const isSilent = (settings: AlertSettings, now: number, timeZone: string): boolean =>
  !settings.sound || isQuiet(settings, now, timeZone);

function minuteOfDay(now: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en', {
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
    timeZone,
  });
  let minutes = 0;
  for (const { type, value } of parts.formatToParts(now)) {
    if (type === 'hour') minutes += Number(value) * 60;
    if (type === 'minute') minutes += Number(value);
  }
  return minutes;
}
