import { expect, test } from 'vitest';
import { frameSeparator } from '../lib/protocol/frames';
import { Hub, type HubOptions } from './hub';
import { createMetrics } from './metrics/metrics';
import { Session, type Socket } from './session';

let numbers = 0;

/** A connection whose socket writes down what it is told. */
function device(userId: string, deviceId: string) {
  const payloads: (string | Uint8Array)[] = [];
  const writes: string[][] = [];
  const closed: string[] = [];
  const pings: string[] = [];
  /** How many times the system was called. */
  let calls = 0;
  let corked = false;
  const call = () => {
    if (!corked) calls += 1;
  };
  let full = false;
  const socket: Socket = {
    send: (payload) => {
      if (full) return 2;
      call();
      payloads.push(payload);
      writes.push(Buffer.from(payload).toString().split(frameSeparator));
      return 1;
    },
    ping: (message) => {
      call();
      return pings.push(message);
    },
    cork: (within) => {
      corked = true;
      within();
      corked = false;
      call();
    },
    end: (code, reason) => closed.push(`${code} ${reason}`),
  };
  return {
    session: new Session(socket, userId, deviceId, ++numbers, 0),
    payloads,
    writes,
    closed,
    pings,
    get sent() {
      return writes.flat();
    },
    get calls() {
      return calls;
    },
    fill: () => {
      full = true;
    },
  };
}

/** A hub whose ticks end when the test says so. */
function hubOf(options: Partial<HubOptions> = {}) {
  const metrics = createMetrics();
  const ends: (() => void)[] = [];
  let nonces = 0;
  const hub = new Hub({
    metrics,
    now: () => 0,
    endOfTick: (call) => ends.push(call),
    nonce: () => ++nonces,
    ...options,
  });
  return { hub, metrics, endTick: () => ends.splice(0).map((end) => end()).length };
}

const frames = (userIds: string[], frame: string, exceptDeviceId: string | null = null) => ({
  kind: 'frames' as const,
  userIds,
  frame,
  exceptDeviceId,
  before: [],
  times: null,
});

test('sends to every device of the users named, what precedes first, and not to the one excepted', () => {
  const { hub, endTick } = hubOf();
  const [phone, laptop, other, stranger] = [
    device('a', 'phone'),
    device('a', 'laptop'),
    device('b', 'other'),
    device('c', 'stranger'),
  ];
  for (const one of [phone, laptop, other, stranger]) hub.add(one.session);
  hub.deliver({
    ...frames(['a', 'b'], 'message', 'phone'),
    before: [{ deviceId: 'other', frame: 'envelopes' }],
  });
  endTick();
  expect([phone.sent, laptop.sent, other.sent, stranger.sent]).toEqual([
    [],
    ['message'],
    ['envelopes', 'message'],
    [],
  ]);
});

test('joins what is bound for one connection within a tick in one message, in order', () => {
  const { hub, metrics, endTick } = hubOf();
  const [a, b] = [device('a', 'a1'), device('b', 'b1')];
  hub.add(a.session);
  hub.add(b.session);
  for (const text of ['1', '2', '3']) hub.deliver(frames(['a', 'b'], text));
  hub.send(b.session, '4');
  expect(endTick()).toBe(1);
  expect(a.writes).toEqual([['1', '2', '3']]);
  expect(b.writes).toEqual([['1', '2', '3', '4']]);
  hub.send(a.session, '5');
  expect(endTick()).toBe(1);
  expect(a.writes).toEqual([['1', '2', '3'], ['5']]);
  expect(metrics.socketWrites.value).toBe(3);
});

test('makes the bytes of a message once for all who get the same frames', () => {
  const { hub, endTick } = hubOf();
  const [a, b, c] = [device('a', 'a1'), device('b', 'b1'), device('c', 'c1')];
  for (const one of [a, b, c]) hub.add(one.session);
  hub.send(c.session, 'own');
  for (const text of ['1', '2', '3']) hub.deliver(frames(['a', 'b', 'c'], text));
  endTick();
  expect(a.payloads[0]).toBeInstanceOf(Uint8Array);
  expect(b.payloads[0]).toBe(a.payloads[0]);
  expect(c.writes).toEqual([['own', '1', '2', '3']]);
});

test('makes no message longer than 64 KB by joining, and keeps the order', () => {
  const { hub, endTick } = hubOf();
  const one = device('a', 'one');
  hub.add(one.session);
  const long = 'x'.repeat(40_000);
  for (const text of ['1', long, `${long}2`, '3', 'y'.repeat(70_000), '4']) hub.send(one.session, text);
  endTick();
  expect(one.writes).toEqual([['1', long], [`${long}2`, '3'], ['y'.repeat(70_000)], ['4']]);
});

test('cuts a device that leaves more unread than is allowed, and sends it nothing more', () => {
  const { hub, endTick } = hubOf({ maxUnackedBytes: 100 });
  const slow = device('a', 'slow');
  hub.add(slow.session);
  hub.send(slow.session, 'x'.repeat(101));
  endTick();
  hub.send(slow.session, 'two');
  hub.send(slow.session, 'three');
  endTick();
  expect(slow.sent).toHaveLength(1);
  expect(slow.closed).toEqual(['4003 slow_consumer']);
  expect([hub.size, hub.unackedBytes]).toEqual([0, 0]);
});

test('asks after 64 KB whether they were read, and believes only the answer that nobody can guess', () => {
  const { hub, endTick } = hubOf({ maxUnackedBytes: 100_000, nonce: () => 77 });
  const one = device('a', 'one');
  hub.add(one.session);
  hub.send(one.session, 'x'.repeat(65_000));
  endTick();
  expect(one.pings).toEqual([]);
  hub.send(one.session, 'y'.repeat(1_000));
  endTick();
  hub.send(one.session, 'z'.repeat(500));
  endTick();
  expect(one.pings).toEqual(['77']);
  hub.acked(one.session, '78');
  hub.acked(one.session, '');
  expect(hub.unackedBytes).toBe(66_500);
  hub.acked(one.session, '77');
  hub.acked(one.session, '77');
  expect(hub.unackedBytes).toBe(500);
  hub.send(one.session, 'x'.repeat(65_100));
  endTick();
  expect(one.pings).toEqual(['77', '77']);
  hub.remove(one.session);
  expect(hub.unackedBytes).toBe(0);
});

test('when all together leave too much unread, only those are cut who have more than their share', () => {
  const { hub, endTick } = hubOf({ maxUnackedBytesOfAll: 150_000 });
  const [greedy, modest] = [device('a', 'greedy'), device('b', 'modest')];
  hub.add(greedy.session);
  hub.add(modest.session);
  hub.send(modest.session, 'x'.repeat(60_000));
  hub.send(greedy.session, 'x'.repeat(100_000));
  endTick();
  hub.send(modest.session, 'x');
  hub.send(greedy.session, 'x');
  endTick();
  expect([modest.closed, greedy.closed]).toEqual([[], ['4003 slow_consumer']]);
});

test('asks sooner when all together leave much unread, so that many who read a little each are never cut', () => {
  const { hub, endTick } = hubOf({ maxUnackedBytesOfAll: 150_000 });
  const devices = Array.from({ length: 10 }, (_, index) => device(`user ${index}`, 'phone'));
  for (const { session } of devices) hub.add(session);
  // Far below what one is asked for by itself; each reads what it is sent, and says so when it is asked.
  for (let frame = 0; frame < 40; frame++)
    for (const one of devices) {
      hub.send(one.session, 'x'.repeat(4_000));
      endTick();
      for (const { session, pings } of devices) hub.acked(session, pings.at(-1) ?? '');
    }
  expect(devices.map(({ closed }) => closed)).toEqual(devices.map(() => []));
  expect(hub.unackedBytes).toBeLessThan(150_000);
  expect(devices.every(({ pings }) => pings.length > 0)).toBe(true);
});

test('asks with what it sends, in the same write, and not all at once', () => {
  const { hub, endTick } = hubOf({ maxUnackedBytesOfAll: 150_000 });
  const [one, other, quiet] = [device('a', 'one'), device('b', 'other'), device('c', 'quiet')];
  for (const { session } of [one, other, quiet]) hub.add(session);
  hub.send(one.session, 'x'.repeat(66_000));
  hub.send(other.session, 'y'.repeat(20_000));
  hub.send(quiet.session, 'z'.repeat(20_000));
  endTick();
  expect([one, other, quiet].map(({ pings, calls }) => [pings.length, calls])).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  for (const { session, pings } of [one, other, quiet]) hub.acked(session, pings[0] ?? '');
  expect(hub.unackedBytes).toBe(0);
  hub.send(quiet.session, 'z'.repeat(20_000));
  hub.send(other.session, 'y'.repeat(1_000));
  endTick();
  hub.send(one.session, 'x'.repeat(60_000));
  hub.send(other.session, 'y');
  endTick();
  // Together they hold more than half now: one has more than its part, other has not, and quiet is sent nothing.
  expect([one, other, quiet].map(({ pings, calls }) => [pings.length, calls])).toEqual([
    [2, 2],
    [1, 3],
    [1, 2],
  ]);
  hub.send(quiet.session, 'z');
  endTick();
  expect([quiet.pings.length, quiet.calls]).toEqual([2, 3]);
});

test('asks those who are sent nothing more in turn, one for sixteen writes, while much is unread', () => {
  const { hub, endTick } = hubOf({ maxUnackedBytesOfAll: 150_000 });
  const quiet = Array.from({ length: 20 }, (_, index) => device(`user ${index}`, 'phone'));
  const busy = device('busy', 'phone');
  for (const { session } of [...quiet, busy]) hub.add(session);
  for (const { session } of quiet) hub.send(session, 'x'.repeat(3_500));
  endTick();
  const asked = () => quiet.reduce((sum, { pings }) => sum + pings.length, 0);
  const writes = (count: number) => {
    for (let write = 0; write < count; write++) {
      hub.send(busy.session, 'y');
      endTick();
    }
  };
  writes(16);
  expect(asked()).toBe(0);
  hub.send(busy.session, 'y'.repeat(6_000));
  endTick();
  writes(15);
  expect(asked()).toBe(1);
  // One whose turn it is, and who is sent something, is asked with that.
  const next = quiet.filter(({ pings }) => pings.length === 0).at(-1);
  if (next === undefined) throw new Error('Nobody is left.');
  writes(15);
  const calls = next.calls;
  hub.send(next.session, 'z');
  endTick();
  expect([next.pings.length, next.calls - calls]).toEqual([1, 1]);
  writes(16 * 30);
  expect(quiet.map(({ pings }) => pings.length)).toEqual(quiet.map(() => 1));
  for (const { session, pings } of [...quiet, busy]) hub.acked(session, pings[0] ?? '');
  expect(hub.unackedBytes).toBe(510);
});

test('cuts a device when a frame for it was dropped, also one that is asked with it', () => {
  const { hub, endTick } = hubOf();
  for (const sizeBytes of [1, 70_000]) {
    const one = device('a', 'one');
    hub.add(one.session);
    one.fill();
    hub.send(one.session, 'x'.repeat(sizeBytes));
    endTick();
    expect([one.closed, one.pings]).toEqual([['4003 slow_consumer'], []]);
  }
  expect(hub.unackedBytes).toBe(0);
});

test('the newest connection of a device counts; the older is told what waits for it, then closed', () => {
  const { hub, endTick } = hubOf();
  const [older, newer, laptop] = [device('a', 'phone'), device('a', 'phone'), device('a', 'laptop')];
  hub.add(older.session);
  hub.add(laptop.session);
  hub.send(older.session, 'last');
  hub.add(newer.session);
  expect([older.sent, older.closed]).toEqual([['last'], ['4006 replaced']]);
  endTick();
  expect([newer.closed, laptop.closed, hub.size]).toEqual([[], [], 2]);
});

test('closes one connection of a device by its number, or all of them', () => {
  const { hub } = hubOf();
  const [phone, laptop] = [device('a', 'phone'), device('a', 'laptop')];
  hub.add(phone.session);
  hub.add(laptop.session);
  const close = { kind: 'close' as const, userId: 'a', deviceId: 'phone' };
  hub.deliver({ ...close, code: 'replaced', connection: phone.session.number + 1_000 });
  expect(phone.closed).toEqual([]);
  hub.deliver({ ...close, code: 'device_revoked', connection: null });
  expect([phone.closed, laptop.closed]).toEqual([['4501 device_revoked'], []]);
  hub.close(laptop.session, 'overloaded', 10_000);
  expect(laptop.closed).toEqual(['4005 overloaded 10000']);
});

test('knows the sessions of a user, whichever of them goes', () => {
  const { hub } = hubOf();
  const all = ['x', 'y', 'z'].map((deviceId) => device('a', deviceId).session);
  for (const session of all) hub.add(session);
  for (const gone of [all[1], all[0], all[2]]) {
    if (gone === undefined) throw new Error('There are three.');
    expect(hub.sessionsOf('a')).toContain(gone);
    expect(hub.remove(gone)).toBe(true);
    expect(hub.remove(gone)).toBe(false);
    expect(hub.sessionsOf('a')).not.toContain(gone);
  }
  expect([hub.size, [...hub.sessions()]]).toEqual([0, []]);
});

test('a device that is shut out while it is on its way in gets nothing but that', () => {
  const { hub, endTick } = hubOf();
  hub.deliver({
    kind: 'close',
    userId: 'a',
    deviceId: 'phone',
    code: 'device_revoked',
    connection: null,
  });
  const late = device('a', 'phone');
  hub.add(late.session);
  hub.send(late.session, 'ready');
  hub.deliver(frames(['a'], 'secret'));
  endTick();
  expect([late.sent, late.closed, hub.size]).toEqual([[], ['4501 device_revoked'], 0]);
});
