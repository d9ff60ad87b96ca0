import { expect, test } from 'vitest';
import { nextStamp } from './hybrid-clock';

test('a stamp is later than every one seen before, also on a clock that is two hours slow', () => {
  const now = 1_800_000_000_000;
  const ahead = nextStamp('', now + 7_200_000, 'a');
  const answer = nextStamp(ahead, now, 'b');
  expect(answer > ahead).toBe(true);
  expect(nextStamp(answer, now + 1, 'b') > answer).toBe(true);
});

test('stamps of one moment differ by device, and rise on one device', () => {
  const [a, b] = [nextStamp('', 5, 'a'), nextStamp('', 5, 'b')];
  expect(a).not.toBe(b);
  let last = a;
  for (let index = 0; index < 100; index++) {
    const next = nextStamp(last, 5, 'a');
    expect(next > last).toBe(true);
    last = next;
  }
});
