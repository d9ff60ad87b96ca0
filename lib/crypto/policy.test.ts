import { describe, expect, it } from 'vitest';
import { inRounds } from './policy';

const envelope = (content: string, senderDeviceId: string, conversationId: string | null) => ({
  senderUserId: 'anna',
  senderDeviceId,
  conversationId,
  type: 'm.room.encrypted',
  content,
});

const contents = (envelopes: ReturnType<typeof envelope>[]) =>
  inRounds(envelopes).map((round) => round.map(({ content }) => content));

describe('envelopes that have waited', () => {
  it('are taken in at once where each brings the key of another conversation', () => {
    const waiting = ['a', 'b', 'c'].map((name) => envelope(name, 'phone', name));
    expect(contents(waiting)).toEqual([['a', 'b', 'c']]);
  });

  it('are taken in one after the other where two of a device may bring the same key', () => {
    const waiting = [envelope('first', 'phone', 'a'), envelope('again', 'phone', 'a')];
    expect(contents(waiting)).toEqual([['first'], ['again']]);
    expect(contents(waiting.map((one) => ({ ...one, conversationId: null })))).toEqual([
      ['first'],
      ['again'],
    ]);
  });

  it('of one device stay in their order, whatever the server says of their conversations', () => {
    const waiting = [
      envelope('1', 'phone', 'a'),
      envelope('2', 'phone', 'b'),
      envelope('3', 'phone', 'a'),
      envelope('4', 'phone', null),
      envelope('5', 'phone', 'b'),
    ];
    expect(contents(waiting)).toEqual([['1', '2'], ['3'], ['4'], ['5']]);
  });

  it('of different devices do not wait for each other', () => {
    const waiting = [envelope('1', 'phone', 'a'), envelope('2', 'laptop', 'a'), envelope('3', 'laptop', 'a')];
    expect(contents(waiting)).toEqual([['1', '2'], ['3']]);
  });
});
