import { describe, expect, it } from 'vitest';
import type { MessageRow } from '../../lib/client/db';
import { layOut } from './message-layout';

const noon = new Date(2026, 0, 15, 12).getTime();
const minute = 60_000;

function message(seq: number, senderId: string, at: number, kind: MessageRow['kind'] = 'text'): MessageRow {
  return {
    id: `m${seq}`,
    conversationId: 'c',
    kind,
    order: seq,
    seq,
    senderId,
    senderDeviceId: 'd',
    at,
    status: 'received',
    failure: null,
    body: 'text',
    replyTo: null,
    deleted: false,
    editSeq: 0,
    reactions: {},
    notice: null,
  };
}

const shape = (messages: MessageRow[], firstUnread: number | null = null, whole = true) =>
  layOut(messages, whole, firstUnread, 'me').map((item) =>
    item.kind === 'message' ? `${item.key}${item.startsGroup ? ' starts' : ''}` : item.kind,
  );

describe('laying out messages', () => {
  it('shows the beginning of an empty conversation, and nothing of one whose messages are not there yet', () => {
    expect(shape([])).toEqual(['start']);
    expect(shape([], null, false)).toEqual([]);
  });

  it('shows the same rows in the same way when older ones come before them', () => {
    const messages = [
      message(1, 'ann', noon - 24 * 60 * minute),
      message(2, 'ann', noon),
      message(3, 'ann', noon + minute),
      message(4, 'me', noon + minute),
      message(5, 'ann', noon + 2 * minute),
    ];
    for (const firstUnread of [null, 1, 3, 5]) {
      const all = shape(messages, firstUnread);
      for (let from = 0; from < messages.length; from++) {
        const some = shape(messages.slice(from), firstUnread, false);
        expect(all.slice(all.length - some.length)).toEqual(some);
      }
    }
  });

  it('puts each day under a separator of its own', () => {
    const messages = [message(1, 'ann', noon), message(2, 'ann', noon + 24 * 60 * minute)];
    expect(shape(messages)).toEqual(['start', 'day', 'm1 starts', 'day', 'm2 starts']);
  });

  it('keeps what one sender says within minutes together', () => {
    const messages = [
      message(1, 'ann', noon),
      message(2, 'ann', noon + minute),
      message(3, 'ann', noon + 9 * minute),
    ];
    expect(shape(messages)).toEqual(['start', 'day', 'm1 starts', 'm2', 'm3 starts']);
  });

  it('starts anew with another sender, and after a notice', () => {
    const messages = [
      message(1, 'ann', noon),
      message(2, 'me', noon),
      message(3, 'me', noon, 'group'),
      message(4, 'me', noon),
    ];
    expect(shape(messages)).toEqual(['start', 'day', 'm1 starts', 'm2 starts', 'm3', 'm4 starts']);
  });

  it('divides once, before the first unread message of another', () => {
    const messages = [
      message(1, 'ann', noon),
      message(2, 'me', noon),
      message(3, 'ann', noon),
      message(4, 'ann', noon),
    ];
    expect(shape(messages, 2)).toEqual([
      'start',
      'day',
      'm1 starts',
      'm2 starts',
      'unread',
      'm3 starts',
      'm4',
    ]);
  });
});
