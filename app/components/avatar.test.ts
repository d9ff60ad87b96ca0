import { describe, expect, it } from 'vitest';
import { initials } from './avatar';

describe('initials', () => {
  it('are the first letters of the first and the last word', () => {
    expect(initials('Ada Lovelace')).toBe('AL');
    expect(initials('Ada King of Lovelace')).toBe('AL');
  });

  it('are one letter for one word, without the sign of a handle', () => {
    expect(initials('@ada')).toBe('A');
  });

  it('never cut a character in two', () => {
    expect(initials('🎭 Troupe')).toBe('🎭T');
  });

  it('are empty for an empty name', () => {
    expect(initials('  ')).toBe('');
  });
});
