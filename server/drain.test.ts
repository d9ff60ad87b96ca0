import { expect, test } from 'vitest';
import { drain } from './drain';
import { Hub } from './hub';
import { createMetrics } from './metrics/metrics';
import { Session } from './session';

/** A hub with so many devices, who write down when and how they were sent away. */
function crowd(count: number) {
  const hub = new Hub({ metrics: createMetrics(), now: () => 0 });
  let now = 0;
  const closes: { at: number; reason: string }[] = [];
  const sessions = Array.from({ length: count }, (_, index) => {
    const socket = {
      send: () => 1,
      ping: () => 1,
      cork: (call: () => void) => call(),
      end: (code: number, reason: string) => closes.push({ at: now, reason: `${code} ${reason}` }),
    };
    const session = new Session(socket, `u${index}`, `d${index}`, index + 1, 0);
    hub.add(session);
    return session;
  });
  const turns: (() => void)[] = [];
  const wait = async (ms: number) => {
    now += ms;
    for (const turn of turns.splice(0)) turn();
  };
  return { hub, closes, sessions, wait, nextTurn: (turn: () => void) => turns.push(turn) };
}

test('sends a few devices away at once, and asks them to come back within a second', async () => {
  const { hub, closes, wait } = crowd(100);
  await drain(hub, { wait });
  expect(new Set(closes.map(({ at, reason }) => `${at} ${reason}`))).toEqual(
    new Set(['0 4002 shutting_down 1000']),
  );
  expect([closes.length, hub.size]).toEqual([100, 0]);
});

test('sends many away at the pace at which others can take them, and never longer than told', async () => {
  const many = crowd(9_000);
  await drain(many.hub, { wait: many.wait });
  const inFirstSecond = many.closes.filter(({ at }) => at < 1_000).length;
  expect(inFirstSecond).toBe(3_000);
  expect(many.closes.at(-1)?.at).toBe(2_950);
  const hurried = crowd(9_000);
  await drain(hurried.hub, { wait: hurried.wait, maxMs: 1_000 });
  expect(hurried.closes.at(-1)?.at).toBe(950);
});

test('waits for the answers of those whose frames are being handled, but not for ever', async () => {
  const { hub, closes, sessions, wait, nextTurn } = crowd(3);
  const [quick, hanging] = sessions;
  if (quick === undefined || hanging === undefined) throw new Error('There are three.');
  quick.handling = 1;
  hanging.handling = 1;
  nextTurn(() => {
    quick.handling = 0;
  });
  await drain(hub, { wait });
  expect(closes.map(({ at }) => at)).toEqual([0, 50, 5_000]);
});
