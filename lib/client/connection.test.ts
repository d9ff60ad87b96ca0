import { expect, test } from 'vitest';
import { ManualClock } from '../../tests/clock';
import type { ServerFrame } from '../protocol/frames';
import { Connection } from './connection';
import type { SocketListener } from './environment';

test('what others are doing does not hide that messages have fallen silent', () => {
  const clock = new ManualClock();
  const sent: string[] = [];
  let listener: SocketListener | undefined;
  let looks = 0;
  const connection = new Connection(
    {
      after: clock.after,
      random: () => 0,
      openSocket: (on) => {
        listener = on;
        return { send: (text) => sent.push(text), close: () => undefined };
      },
    },
    { state: () => undefined, frame: () => undefined, quiet: () => looks++ },
  );
  const hear = (frame: ServerFrame) => listener?.message(JSON.stringify(frame));
  connection.dispatch({ name: 'start' });
  hear({ t: 'ready', at: clock.now(), returnWithinMs: 0 });
  connection.dispatch({ name: 'caught_up' });
  for (let time = 0; time < 5; time++) {
    clock.pass(5_000);
    hear({ t: 'presence', userId: 'alice', state: 'online', broadcast: true, at: clock.now() });
    hear({ t: 'activity', conversationId: 'c', userId: 'alice', kind: 'typing' });
  }
  expect(looks).toBe(1);
  expect(sent).toEqual(['{"t":"ping"}']);
  hear({ t: 'pong' });
  clock.pass(10_000);
  expect(connection.state).toEqual({ name: 'online', returnWithinMs: 0 });
  connection.dispatch({ name: 'stop' });
});
