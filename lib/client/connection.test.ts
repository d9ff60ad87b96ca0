import { expect, test } from 'vitest';
import { ManualClock } from '../../tests/clock';
import { beat, type ServerFrame } from '../protocol/frames';
import { Connection } from './connection';
import type { SocketListener } from './environment';

/** A device that is online, and what it has sent since. */
function onlineDevice() {
  const clock = new ManualClock();
  const sent: string[] = [];
  const looks: number[] = [];
  let listener: SocketListener | undefined;
  const connection = new Connection(
    {
      after: clock.after,
      now: clock.now,
      random: () => 0,
      openSocket: (on) => {
        listener = on;
        return { send: (text) => sent.push(text), close: () => undefined };
      },
    },
    { state: () => undefined, frame: () => undefined, quiet: (rounds) => looks.push(rounds) },
  );
  const hear = (frame: ServerFrame) => listener?.message(JSON.stringify(frame));
  connection.dispatch({ name: 'start' });
  hear({ t: 'ready', at: clock.now(), returnWithinMs: 0 });
  connection.dispatch({ name: 'caught_up' });
  return { clock, connection, hear, looks, sent };
}

const ping = '{"t":"ping"}';

test('what others are doing does not hide that messages have fallen silent', () => {
  const { clock, connection, hear, looks, sent } = onlineDevice();
  for (let time = 0; time < 5; time++) {
    clock.pass(5_000);
    hear({ t: 'presence', userId: 'alice', state: 'online', broadcast: true, at: clock.now() });
    hear({ t: 'activity', conversationId: 'c', userId: 'alice', kind: 'typing' });
  }
  expect(looks).toEqual([1]);
  expect(sent.at(-1)).toBe(ping);
  hear({ t: 'pong' });
  clock.pass(10_000);
  expect(connection.state).toEqual({ name: 'online', returnWithinMs: 0 });
  connection.dispatch({ name: 'stop' });
});

test('a device that has nothing to say says every 18 seconds that it is there, and asks now and then', () => {
  const { clock, connection, hear, looks, sent } = onlineDevice();
  clock.pass(18_000);
  connection.post({ t: 'activity', conversationId: 'c', kind: 'typing' });
  // What it said otherwise counts as well.
  clock.pass(6_999);
  expect(sent.filter((text) => text === beat)).toHaveLength(1);
  clock.pass(1);
  hear({ t: 'pong' });
  sent.length = 0;
  for (let round = 0; round < 3; round++) {
    clock.pass(70_000);
    hear({ t: 'pong' });
  }
  expect(sent).toEqual([...Array(3)].flatMap(() => [beat, beat, beat, ping]));
  expect(looks).toEqual([1, 2, 3, 4]);
  connection.dispatch({ name: 'stop' });
});

test('a server that does not answer is taken for dead, and nothing more is said to it', () => {
  const { clock, connection, sent } = onlineDevice();
  clock.pass(35_000);
  expect(connection.state).toMatchObject({ name: 'waiting' });
  expect(sent).toEqual([beat, ping]);
  connection.dispatch({ name: 'stop' });
  clock.pass(100_000);
  expect(sent).toEqual([beat, ping]);
});

test('while somebody looks on, a silence is asked about every 25 seconds, and a long one as soon as somebody does', () => {
  const { clock, connection, hear, looks, sent } = onlineDevice();
  clock.pass(25_000);
  hear({ t: 'pong' });
  clock.pass(65_000);
  sent.length = 0;
  const looked = () => connection.looked(clock.now() + 75_000);
  looked();
  expect(sent).toEqual([ping]);
  hear({ t: 'pong' });
  looked();
  for (let round = 0; round < 2; round++) {
    clock.pass(25_000);
    hear({ t: 'pong' });
  }
  expect(sent).toEqual([ping, beat, ping, beat, ping]);
  expect(looks).toEqual([1, 1, 2]);
  connection.looked(0);
  clock.pass(25_000);
  hear({ t: 'pong' });
  // From here on it is asked about every 70 seconds again.
  clock.pass(35_000);
  expect(connection.state).toMatchObject({ name: 'online' });
  looked();
  clock.pass(10_000);
  expect(connection.state).toMatchObject({ name: 'waiting' });
  connection.dispatch({ name: 'stop' });
});
