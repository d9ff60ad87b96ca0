import { expect, test } from 'vitest';
import { conversationRow } from '../../tests/rows';
import { forEver, isAlerting, isMuted, isQuiet, isSilent, mentions } from './alert-rules';
import { type AlertSettings, neutralNotification } from './alerts';
import type { ConversationRow, MessageRow } from './db';

const me = { userId: 'me', handle: 'anna.b' };
const now = 1_800_000_000_000;

const conversation = (given: Partial<ConversationRow> = {}): ConversationRow =>
  conversationRow({ cursor: 5, lastSeq: 5, readSeq: 3, unread: 2, ...given });

const message = (given: Partial<MessageRow> = {}) => ({
  kind: 'text' as const,
  status: 'received' as const,
  senderId: 'bert',
  deleted: false,
  body: 'hello',
  seq: 4,
  ...given,
});

const alerting = (
  given: Partial<MessageRow>,
  row: Partial<ConversationRow> = {},
  repliedTo: string | null = null,
) => isAlerting(message(given), conversation(row), me, repliedTo, now);

test('tells of an unread text of somebody else, and of nothing else', () => {
  expect(alerting({})).toBe(true);
  expect(alerting({ senderId: 'me' })).toBe(false);
  expect(alerting({ seq: 3 })).toBe(false);
  expect(alerting({ seq: null })).toBe(false);
  expect(alerting({ deleted: true })).toBe(false);
  expect(alerting({ kind: 'group' })).toBe(false);
  expect(alerting({ kind: 'sealed' })).toBe(false);
  expect(alerting({}, { myState: 'requested' })).toBe(true);
  expect(alerting({}, { myState: 'blocked' })).toBe(false);
  expect(alerting({}, { myState: 'left' })).toBe(false);
});

test('a muted conversation is silent until its time is over, or for ever', () => {
  const rule = (mutedUntil: number) => ({ alertRule: { mutedUntil, mentionsOnly: false, at: '' } });
  expect(alerting({}, rule(now + 1))).toBe(false);
  expect(alerting({}, rule(now))).toBe(true);
  expect(alerting({}, rule(forEver))).toBe(false);
  expect(isMuted(rule(now + 3_600_000), now + 3_599_999)).toBe(true);
  expect(isMuted(rule(now + 3_600_000), now + 3_600_000)).toBe(false);
  expect(isMuted({}, now)).toBe(false);
});

test('with mentions only, a group tells of what names or answers me; a direct conversation of all', () => {
  const alertRule = { mutedUntil: 0, mentionsOnly: true, at: '' };
  const group = { kind: 'group' as const, alertRule };
  expect(alerting({}, group)).toBe(false);
  expect(alerting({ body: 'Ask @anna.b about it.' }, group)).toBe(true);
  expect(alerting({}, group, 'me')).toBe(true);
  expect(alerting({}, group, 'carl')).toBe(false);
  expect(alerting({}, { alertRule })).toBe(true);
  const muted = { ...group, alertRule: { ...alertRule, mutedUntil: forEver } };
  expect(alerting({ body: '@anna.b' }, muted)).toBe(false);
});

test.each([
  ['@anna.b', true],
  ['Hello @ANNA.B!', true],
  ['(@anna.b) and @carl', true],
  ['@carl, @anna.b.', true],
  ['@anna.b… yes', true],
  ['@anna', false],
  ['@anna.bc', false],
  ['@anna.b.c', false],
  ['@anna.b_c', false],
  ['me@anna.b', false],
  ['anna.b', false],
  ['@@anna.b', false],
  ['', false],
])('in “%s” I am named: %s', (text, named) => {
  expect(mentions(text, 'anna.b')).toBe(named);
});

test('a handle that ends with an underscore is found', () => {
  expect(mentions('Ask @anna_ now', 'anna_')).toBe(true);
  expect(mentions('Ask @anna now', 'anna_')).toBe(false);
});

const settings = (from: number, to: number): AlertSettings => ({
  on: true,
  content: 'text',
  sound: true,
  quiet: { from: from * 60, to: to * 60 },
});
const at = (time: string) => Date.parse(`2026-07-01T${time}:00Z`);

test('quiet hours go by the clock of the place, and over midnight', () => {
  const night = settings(22, 7);
  expect(isQuiet(night, at('21:59'), 'UTC')).toBe(false);
  expect(isQuiet(night, at('22:00'), 'UTC')).toBe(true);
  expect(isQuiet(night, at('00:00'), 'UTC')).toBe(true);
  expect(isQuiet(night, at('06:59'), 'UTC')).toBe(true);
  expect(isQuiet(night, at('07:00'), 'UTC')).toBe(false);
  // Two hours ahead in summer; half an hour past the hour in Kolkata.
  expect(isQuiet(night, at('20:00'), 'Europe/Paris')).toBe(true);
  expect(isQuiet(night, at('05:00'), 'Europe/Paris')).toBe(false);
  expect(isQuiet(night, at('16:29'), 'Asia/Kolkata')).toBe(false);
  expect(isQuiet(night, at('16:30'), 'Asia/Kolkata')).toBe(true);
});

test('quiet hours within a day, of no length, and none', () => {
  expect(isQuiet(settings(12, 14), at('13:00'), 'UTC')).toBe(true);
  expect(isQuiet(settings(12, 14), at('14:00'), 'UTC')).toBe(false);
  expect(isQuiet(settings(12, 12), at('12:00'), 'UTC')).toBe(false);
  expect(isQuiet({ ...settings(0, 0), quiet: null }, at('12:00'), 'UTC')).toBe(false);
});

const words = { app: '', newMessages: String, openToRead: '', upToDate: '' };

test('a push that cannot be read is shown without a sound where its reader wants none, or not now', () => {
  const shown = (wished: AlertSettings | null, time: string) => {
    const silent = wished !== null && isSilent(wished, at(time), 'UTC');
    return neutralNotification(words, { news: true, silent }).options;
  };
  expect(shown(settings(22, 7), '23:00')).toMatchObject({ silent: true, renotify: false });
  expect(shown(settings(22, 7), '12:00')).toMatchObject({ silent: false, renotify: true });
  expect(shown({ ...settings(22, 7), sound: false }, '12:00')).toMatchObject({ silent: true });
  // Of a locked app nothing can be read, nor what its reader wants.
  expect(shown(null, '23:00')).toMatchObject({ silent: false });
});
