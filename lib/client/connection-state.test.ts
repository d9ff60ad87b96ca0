import { expect, test } from 'vitest';
import { errors } from '../protocol/errors';
import { backoffMs, type ConnectionState, nextConnectionState } from './connection-state';

const online: ConnectionState = { name: 'online', returnWithinMs: 0 };

test('connects, catches up, then is online', () => {
  let state: ConnectionState = { name: 'stopped' };
  state = nextConnectionState(state, { name: 'start' });
  expect(state).toEqual({ name: 'connecting', attempt: 0 });
  state = nextConnectionState(state, { name: 'ready', returnWithinMs: 0 });
  expect(state.name).toBe('catching_up');
  expect(nextConnectionState(state, { name: 'caught_up' })).toEqual(online);
});

test('waits longer after each failure, up to a bound', () => {
  const delays = [0, 1, 2, 3, 10, 100].map((attempt) => backoffMs(attempt, 1));
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 30_000, 30_000]);
});

test('spreads the devices of a dead node over half of the delay', () => {
  expect(backoffMs(3, 0)).toBe(2_000);
  expect(backoffMs(3, 0.5)).toBe(3_000);
});

test('a server that accepts and drops does not reset the backoff', () => {
  const state = nextConnectionState(
    { name: 'catching_up', attempt: 4, returnWithinMs: 0 },
    { name: 'closed', close: 1006, withinMs: 0, dice: 0 },
  );
  expect(state).toEqual({ name: 'waiting', attempt: 5, delayMs: backoffMs(4, 0) });
});

test.each(Object.entries(errors).filter(([, row]) => row.close !== null))(
  'a close for %s is tried again only where the table says so',
  (code, row) => {
    const state = nextConnectionState(online, {
      name: 'closed',
      close: row.close ?? 0,
      withinMs: 0,
      dice: 0,
    });
    expect(state).toEqual(
      row.retry ? { name: 'waiting', attempt: 1, delayMs: 250 } : { name: 'ended', code },
    );
  },
);

test('a waiting device hurries when its network comes back, an online one stays as it is', () => {
  expect(nextConnectionState({ name: 'waiting', attempt: 9, delayMs: 30_000 }, { name: 'hurry' })).toEqual({
    name: 'connecting',
    attempt: 0,
  });
  expect(nextConnectionState(online, { name: 'hurry' })).toBe(online);
});

test('an ended connection starts again only when asked to', () => {
  const ended: ConnectionState = { name: 'ended', code: 'device_revoked' };
  expect(nextConnectionState(ended, { name: 'hurry' })).toBe(ended);
  expect(nextConnectionState(ended, { name: 'timer' })).toBe(ended);
  expect(nextConnectionState(ended, { name: 'start' }).name).toBe('connecting');
});

test('comes back within the time that the server asks for, half of it kept', () => {
  const close = errors.overloaded.close;
  const delays = [0, 0.5, 1].map((dice) =>
    nextConnectionState(online, { name: 'closed', close, withinMs: 20_000, dice }),
  );
  expect(delays).toMatchObject([{ delayMs: 10_000 }, { delayMs: 15_000 }, { delayMs: 20_000 }]);
});

test('the devices of a node that died without a word spread over what it asked for while it lived', () => {
  const state: ConnectionState = { name: 'online', returnWithinMs: 5_000 };
  const delays = [0, 0.5, 1].map((dice) =>
    nextConnectionState(state, { name: 'closed', close: 1006, withinMs: 0, dice }),
  );
  expect(delays).toMatchObject([{ delayMs: 250 }, { delayMs: 2_625 }, { delayMs: 5_000 }]);
});

test('a server that asks for less than the backoff does not make a device hurry', () => {
  const state: ConnectionState = { name: 'connecting', attempt: 6 };
  const next = nextConnectionState(state, { name: 'closed', close: 4005, withinMs: 100, dice: 0 });
  expect(next).toMatchObject({ delayMs: backoffMs(6, 0) });
});
