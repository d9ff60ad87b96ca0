import { expect, test } from 'vitest';
import { refusalFor, spreadMs } from './admission';

const limits = { maxConnections: 100, maxWaiting: 10, maxLateMs: 500, maxMemoryBytes: 1_000 };
const calm = { connections: 99, waiting: 9, lateMs: 500, memoryBytes: 999 };

test('lets devices in while there is room for them', () => {
  expect(refusalFor(calm, limits)).toBeNull();
});

test.each([
  ['connections', { connections: 100 }, 30_000],
  ['memory', { memoryBytes: 1_000 }, 30_000],
  ['a late event loop', { lateMs: 501 }, 10_000],
  ['those who wait for the database', { waiting: 10 }, 10_000],
])('refuses early for %s, and says when to come back', (_, load, withinMs) => {
  expect(refusalFor({ ...calm, ...load }, limits)).toEqual({ code: 'overloaded', withinMs });
});

test('the more devices a node has, the longer they spread their return if it dies', () => {
  expect([spreadMs(0), spreadMs(3_000), spreadMs(15_000)]).toEqual([0, 1_000, 5_000]);
});
