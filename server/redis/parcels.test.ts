import { expect, test } from 'vitest';
import { look } from '../broker';
import { Inbox } from './inbox';
import { Outbox } from './outbox';

const numbers = (outbox: Outbox) => outbox.take().map(({ nodeId, number }) => `${nodeId} ${number}`);

test('what is bound for a node is one parcel, numbered from one, each node by itself', () => {
  const outbox = new Outbox();
  outbox.put('b', look(['u']));
  outbox.put('b', look(['v']));
  outbox.put('c', look(['w']));
  expect(outbox.take()).toEqual([
    { nodeId: 'b', number: 1, deliveries: [look(['u']), look(['v'])] },
    { nodeId: 'c', number: 1, deliveries: [look(['w'])] },
  ]);
  expect(outbox.take()).toEqual([]);
  outbox.put('b', look(['u']));
  expect(numbers(outbox)).toEqual(['b 2']);
  expect(outbox.sent()).toEqual({ b: 2, c: 1 });
});

test('knows for whom the parcels after a number were, for as long as it remembers', () => {
  const outbox = new Outbox();
  for (const user of ['u', 'v', 'u']) {
    outbox.put('b', look([user]));
    outbox.take();
  }
  expect(outbox.usersAfter('b', 0)).toEqual(['v', 'u']);
  expect(outbox.usersAfter('b', 2)).toEqual(['u']);
  expect(outbox.usersAfter('b', 3)).toEqual([]);
  outbox.forget('b');
  expect(outbox.usersAfter('b', 1)).toBeNull();
  // Its number goes on, or a node that was only away would take what is new for old.
  outbox.put('b', look(['u']));
  expect(numbers(outbox)).toEqual(['b 4']);
});

test('a parcel too full goes without the rest, whose readers miss a number', () => {
  const outbox = new Outbox();
  const large = (userId: string) => ({
    kind: 'device' as const,
    userId,
    deviceId: 'd',
    frame: 'x'.repeat(10 * 1024 * 1024),
  });
  outbox.put('b', large('u'));
  outbox.put('b', large('v'));
  const [parcel] = outbox.take();
  expect([parcel?.number, parcel?.deliveries.length]).toEqual([2, 1]);
  expect(outbox.usersAfter('b', 0)).toEqual(['u', 'v']);
});

test('a reader notices what is missing, by the next parcel or by what the sender says', () => {
  const inbox = new Inbox();
  expect(inbox.received('a', 1)).toBe(true);
  expect(inbox.received('a', 1)).toBe(false);
  expect(inbox.missing()).toEqual([]);
  inbox.received('a', 4);
  expect(inbox.missing()).toEqual([{ nodeId: 'a', after: 1 }]);
  inbox.answered('a', 4);
  expect(inbox.missing()).toEqual([]);
  inbox.told('a', 4);
  expect(inbox.missing()).toEqual([]);
  inbox.told('a', 6);
  expect(inbox.missing()).toEqual([{ nodeId: 'a', after: 4 }]);
});

test('an answer covers what was sent until it was given, and no more', () => {
  const inbox = new Inbox();
  inbox.received('a', 3);
  inbox.received('a', 9);
  inbox.answered('a', 5);
  expect(inbox.missing()).toEqual([{ nodeId: 'a', after: 5 }]);
  inbox.answered('a', 9);
  expect(inbox.missing()).toEqual([]);
  inbox.told('a', 12);
  expect([inbox.forget('a'), inbox.forget('a')]).toEqual([true, false]);
});
