import { expect, test } from 'vitest';
import { nextStorageState, readStorageState, storageTrouble } from './storage-state';

const named = (name: string, message = '') => Object.assign(new Error(message), { name });

test.each([
  [named('QuotaExceededError'), 'full'],
  [Object.assign(named('AbortError'), { inner: named('QuotaExceededError') }), 'full'],
  [named('Error', 'IndexedDB: DomException QuotaExceededError (22): no room'), 'full'],
  [named('DatabaseClosedError'), 'closed'],
  [Object.assign(named('DatabaseClosedError'), { inner: named('UnknownError') }), 'broken'],
  [named('UnknownError', 'Internal error opening backing store'), 'broken'],
  [named('TypeError', 'fetch failed'), null],
  ['QuotaExceededError', null],
  [undefined, null],
] as const)('what %o says of the storage', (error, trouble) => {
  expect(storageTrouble(error)).toBe(trouble);
});

test('no error that contains itself is looked into for ever', () => {
  const error: Error & { inner?: unknown } = named('AbortError');
  error.inner = error;
  expect(storageTrouble(error)).toBe(null);
});

test('a full storage is said at once, an unknown failure only after it was opened again in vain', () => {
  const failed = (trouble: 'full' | 'closed' | 'broken') => ({ name: 'failed' as const, trouble });
  expect(nextStorageState({ state: 'sound' }, failed('full'), 0)).toEqual({ state: 'full' });
  expect(nextStorageState({ state: 'sound' }, failed('broken'), 0)).toEqual({ state: 'reopening' });
  expect(nextStorageState({ state: 'reopening' }, failed('broken'), 4)).toEqual({ state: 'broken' });
  for (const state of ['sound', 'reopening', 'full', 'broken'] as const)
    expect(nextStorageState({ state }, { name: 'proved' }, 9)).toEqual({ state: 'sound' });
  expect([{ state: 'full' }, { state: 'other' }, 'ask', null].map(readStorageState)).toEqual([
    'full',
    null,
    null,
    null,
  ]);
});
