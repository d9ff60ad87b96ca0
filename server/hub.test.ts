import { expect, test } from 'vitest';
import { Hub, Session, type Socket } from './hub';

function device(userId: string, deviceId: string, openedAt = 0, connectionId = deviceId) {
  const sent: string[] = [];
  const closed: number[] = [];
  let buffered = 0;
  const socket: Socket = {
    send: (frame) => sent.push(frame),
    bufferedBytes: () => buffered,
    close: (code) => closed.push(code),
  };
  return {
    session: new Session(socket, userId, deviceId, connectionId, openedAt),
    sent,
    closed,
    stall: (bytes: number) => {
      buffered = bytes;
    },
  };
}

test('sends to every device of the users named, what precedes first, and not to the one excepted', () => {
  const hub = new Hub({ maxBufferedBytes: 100 });
  const [phone, laptop, other, stranger] = [
    device('a', 'phone'),
    device('a', 'laptop'),
    device('b', 'other'),
    device('c', 'stranger'),
  ];
  for (const one of [phone, laptop, other, stranger]) hub.add(one.session);
  hub.deliver({
    kind: 'frames',
    userIds: ['a', 'b'],
    frame: 'message',
    exceptDeviceId: 'phone',
    before: [{ deviceId: 'other', frame: 'envelopes' }],
  });
  expect([phone.sent, laptop.sent, other.sent, stranger.sent]).toEqual([
    [],
    ['message'],
    ['envelopes', 'message'],
    [],
  ]);
});

test('cuts a device that does not keep up, and sends it nothing more', () => {
  const hub = new Hub({ maxBufferedBytes: 100 });
  const slow = device('a', 'slow');
  hub.add(slow.session);
  slow.stall(101);
  hub.send(slow.session, 'one');
  slow.stall(0);
  hub.send(slow.session, 'two');
  expect(slow).toMatchObject({ sent: [], closed: [4003] });
  expect(hub.size).toBe(0);
});

test('closes older connections of a device but not the newer, nor those of others', () => {
  const hub = new Hub({ maxBufferedBytes: 100 });
  const older = device('a', 'phone', 1, 'first');
  const newer = device('a', 'phone', 2, 'second');
  const later = device('a', 'phone', 3, 'third');
  const laptop = device('a', 'laptop', 1);
  for (const one of [older, newer, later, laptop]) hub.add(one.session);
  hub.deliver({
    kind: 'close',
    userId: 'a',
    deviceId: 'phone',
    code: 'replaced',
    openedBefore: 2,
    exceptConnectionId: 'second',
  });
  expect([older.closed, newer.closed, later.closed, laptop.closed]).toEqual([[4006], [], [], []]);
  hub.closeAll('shutting_down');
  expect([older.closed, newer.closed, later.closed, laptop.closed]).toEqual([[4006], [4002], [4002], [4002]]);
});
