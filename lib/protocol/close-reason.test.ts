import { expect, test } from 'vitest';
import { closeReason, returnWithinMs, withinMsOf } from './close-reason';
import { errors, isErrorCode } from './errors';

test('carries a time to come back in, for every error, within what a close frame holds', () => {
  for (const code of Object.keys(errors).filter(isErrorCode)) {
    const reason = closeReason(code, 30_000);
    expect(reason.length).toBeLessThanOrEqual(123);
    expect(withinMsOf(reason)).toBe(30_000);
    expect(withinMsOf(closeReason(code))).toBe(0);
  }
});

test.each(['', 'overloaded -5', 'overloaded 1e9', 'overloaded 5 5', 'overloaded NaN', 'x'.repeat(200), '5'])(
  'takes no wish from %j',
  (reason) => {
    expect(withinMsOf(reason)).toBe(0);
  },
);

test('keeps nobody away for longer than ten minutes', () => {
  expect(withinMsOf('overloaded 999999999')).toBe(600_000);
  expect(returnWithinMs.parse(1e12)).toBe(600_000);
  expect(returnWithinMs.safeParse('soon').success).toBe(false);
});
