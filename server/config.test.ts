import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './config';

describe('reading the environment', () => {
  it('gives a working single process when nothing is set', () => {
    expect(readConfig({})).toEqual({
      port: 3000,
      host: '127.0.0.1',
      dataDir: resolve('./data'),
      databaseUrl: undefined,
      redisUrl: undefined,
      workers: 1,
      adminPort: 9464,
      adminHost: '127.0.0.1',
      publicOrigin: 'http://localhost:3000',
      trustedProxies: 'loopback',
      pushEndpoints: 'public',
      logLevel: 'info',
    });
  });

  it('derives the public origin from the port', () => {
    expect(readConfig({ PORT: '8080' }).publicOrigin).toBe('http://localhost:8080');
  });

  it('takes a public origin with or without its final slash', () => {
    expect(readConfig({ PUBLIC_ORIGIN: 'https://chat.example.org/' }).publicOrigin).toBe(
      'https://chat.example.org',
    );
  });

  it('treats an empty value as not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({ port: 3000, databaseUrl: undefined });
  });

  it('ignores variables that belong to others', () => {
    expect(() => readConfig({ HOME: '/root', PATH: '/bin' })).not.toThrow();
  });

  it.each([
    ['PORT', 'http'],
    ['PORT', '0'],
    ['PORT', '65536'],
    ['HOST', 'not a host'],
    ['ADMIN_PORT', '1.5'],
    ['WORKERS', '0'],
    ['WORKERS', 'many'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['REDIS_URL', 'localhost:6379'],
    ['PUBLIC_ORIGIN', 'https://chat.example.org/path'],
    ['PUBLIC_ORIGIN', 'chat.example.org'],
    ['TRUSTED_PROXIES', 'all'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses a wrong %s (%s) with one sentence that names it', (name, value) => {
    const failure = failureOf({ [name]: value });
    expect(failure).toMatch(new RegExp(`^${name} must [^\\n]*\\.$`));
  });

  it('does not repeat a password in the sentence', () => {
    expect(failureOf({ DATABASE_URL: 'mysql://me:s3cret@localhost/x' })).not.toContain('s3cret');
  });

  it.each([
    [{ WORKERS: '2' }],
    [{ WORKERS: '2', DATABASE_URL: 'postgres://localhost/aparte' }],
    [{ WORKERS: '2', REDIS_URL: 'redis://localhost' }],
  ])('refuses several workers on an embedded database or broker: %o', (env) => {
    expect(failureOf(env)).toMatch(/^WORKERS .*DATABASE_URL and REDIS_URL/);
  });

  it('accepts several workers with a shared database and broker', () => {
    const env = {
      WORKERS: '4',
      DATABASE_URL: 'postgresql://localhost/aparte',
      REDIS_URL: 'redis://localhost',
    };
    expect(readConfig(env).workers).toBe(4);
  });

  it('refuses one port for people and operators', () => {
    expect(failureOf({ PORT: '9464' })).toBe('ADMIN_PORT must differ from PORT.');
  });
});

function failureOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('The environment was accepted.');
}
