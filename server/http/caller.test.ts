import { describe, expect, it } from 'vitest';
import { callerAddress, isAllowedOrigin } from './caller';

const config = { publicOrigin: 'https://chat.example.org', port: 3000 };

describe('the origin of a changing request', () => {
  it.each([
    'https://chat.example.org',
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
  ])('may be %s', (origin) => expect(isAllowedOrigin(origin, config)).toBe(true));

  it.each([
    '',
    'null',
    'http://chat.example.org',
    'https://chat.example.org.evil.test',
    'https://evil.test',
    'http://localhost:3001',
    'https://localhost:3000',
  ])('may not be %j', (origin) => expect(isAllowedOrigin(origin, config)).toBe(false));
});

describe('the address of a caller', () => {
  const mapped = '0000:0000:0000:0000:0000:ffff:7f00:0001';

  it('is what a trusted proxy appended, not what the caller claimed before it', () => {
    expect(callerAddress('127.0.0.1', '6.6.6.6, 203.0.113.9', 'loopback')).toBe('203.0.113.9');
    expect(callerAddress(mapped, '203.0.113.9', 'loopback')).toBe('203.0.113.9');
    expect(callerAddress('172.18.0.5', '203.0.113.9', 'private')).toBe('203.0.113.9');
  });

  it('is the other end of the socket where no proxy is trusted', () => {
    expect(callerAddress('203.0.113.7', '6.6.6.6', 'private')).toBe('203.0.113.7');
    expect(callerAddress('172.18.0.5', '6.6.6.6', 'loopback')).toBe('172.18.0.5');
    expect(callerAddress('127.0.0.1', '6.6.6.6', 'none')).toBe('127.0.0.1');
  });

  it('spells loopback and mapped addresses as people do', () => {
    expect(callerAddress(mapped, '', 'loopback')).toBe('127.0.0.1');
    expect(callerAddress('0000:0000:0000:0000:0000:0000:0000:0001', '', 'loopback')).toBe('::1');
  });
});
