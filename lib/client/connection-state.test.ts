import { expect, test } from 'vitest';
import { errors } from '../protocol/errors';
import { backoffMs, type ConnectionState, nextConnectionState } from './connection-state';

const online: ConnectionState = { name: 'online' };

test('connects, catches up, then is online', () => {
  let state: ConnectionState = { name: 'stopped' };
  state = nextConnectionState(state, { name: 'start' });
  expect(state).toEqual({ name: 'connecting', attempt: 0 });
  state = nextConnectionState(state, { name: 'ready' });
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
    { name: 'catching_up', attempt: 4 },
    { name: 'closed', close: 1006, dice: 0 },
  );
  expect(state).toEqual({ name: 'waiting', attempt: 5, delayMs: backoffMs(4, 0) });
});

test.each(Object.entries(errors).filter(([, row]) => row.close !== null))(
  'a close for %s is tried again only where the table says so',
  (code, row) => {
    const state = nextConnectionState(online, { name: 'closed', close: row.close ?? 0, dice: 0 });
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
