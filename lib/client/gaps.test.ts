import { expect, test } from 'vitest';
import { isMissing, missingIn, newestPage, pagesOf, without } from './gaps';

test('what was fetched is missing no more, wherever in a gap it lies', () => {
  const gap = [{ after: 10, upTo: 20 }];
  expect(without(gap, { after: 15, upTo: 20 })).toEqual([{ after: 10, upTo: 15 }]);
  expect(without(gap, { after: 10, upTo: 15 })).toEqual([{ after: 15, upTo: 20 }]);
  expect(without(gap, { after: 12, upTo: 15 })).toEqual([
    { after: 10, upTo: 12 },
    { after: 15, upTo: 20 },
  ]);
  expect(without(gap, { after: 0, upTo: 30 })).toEqual([]);
  expect(without(gap, { after: 20, upTo: 30 })).toEqual(gap);
});

test('a gap begins after its first number and ends with its last', () => {
  const gap = [{ after: 10, upTo: 20 }];
  expect([10, 11, 20, 21].map((seq) => isMissing(gap, seq))).toEqual([false, true, true, false]);
  expect(missingIn(gap)).toBe(10);
  expect(missingIn(undefined)).toBe(0);
});

test('the newest of what is missing is fetched first', () => {
  const gaps = [
    { after: 0, upTo: 100 },
    { after: 300, upTo: 340 },
  ];
  expect(newestPage(gaps, 50)).toEqual({ after: 300, upTo: 340 });
  expect(newestPage(gaps.slice(0, 1), 50)).toEqual({ after: 50, upTo: 100 });
  expect(newestPage([], 50)).toBeUndefined();
});

test('the newest page of each conversation comes before the second of any', () => {
  const rows = [
    { id: 'a', gaps: [{ after: 0, upTo: 120 }] },
    { id: 'b', gaps: [{ after: 0, upTo: 30 }] },
    { id: 'c' },
  ];
  const order = pagesOf(rows, 50, 10).map(({ row, page }) => `${row.id} ${page.after}`);
  expect(order).toEqual(['a 70', 'b 0', 'a 20', 'a 0']);
  expect(pagesOf(rows, 50, 3)).toHaveLength(3);
});
