import { expect, test } from 'vitest';
import { matchesSafetyNumber, safetyNumber } from './safety-number';

const anna = { userId: 'a', masterKey: 'key of anna' };
const bert = { userId: 'b', masterKey: 'key of bert' };

test('both see the same sixty digits, and another key shows others', async () => {
  const number = await safetyNumber(anna, bert);
  expect(number.groups).toHaveLength(12);
  for (const group of number.groups) expect(group).toMatch(/^\d{5}$/);
  expect(await safetyNumber(bert, anna)).toEqual(number);
  const other = await safetyNumber(anna, { ...bert, masterKey: 'key of eve' });
  expect(other.code).not.toBe(number.code);
  expect(matchesSafetyNumber(number, number.code)).toBe(true);
  expect(matchesSafetyNumber(number, other.code)).toBe(false);
  expect(matchesSafetyNumber(number, 'https://example.org')).toBeNull();
});
