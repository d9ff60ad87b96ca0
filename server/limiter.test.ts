import { expect, test } from 'vitest';
import { Limiter } from './limiter';

test('allows a burst, then the rate, each key by itself', () => {
  let now = 0;
  const limiter = new Limiter({ burst: 2, perSecond: 1 }, () => now);
  expect([limiter.take('a'), limiter.take('a'), limiter.take('a'), limiter.take('b')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  now = 1000;
  expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false]);
  expect(limiter.take('a', 3)).toBe(false);
});

test('forgets the key used longest ago instead of growing', () => {
  const limiter = new Limiter({ burst: 1, perSecond: 0 }, () => 0, undefined, 2);
  expect([limiter.take('a'), limiter.take('b'), limiter.take('c')]).toEqual([true, true, true]);
  expect([limiter.take('c'), limiter.take('a')]).toEqual([false, true]);
});

test('keeps a key only while its allowance is not whole', () => {
  let now = 0;
  const limiter = new Limiter({ burst: 2, perSecond: 1 }, () => now);
  for (const key of ['a', 'b', 'c']) limiter.take(key);
  expect(limiter.size).toBe(3);
  now = 2_000;
  limiter.take('d');
  limiter.take('d');
  expect(limiter.size).toBe(1);
});
