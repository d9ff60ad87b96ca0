import { type Logger, pino } from 'pino';
import type { LogLevel } from './config';

export type Log = Logger;

// Nothing secret is meant to reach a log call; this is the net underneath for the day somebody errs.
const secretFields = [
  'authorization',
  'body',
  'ciphertext',
  'content',
  'cookie',
  'data',
  'databaseUrl',
  'identityKey',
  'input',
  'key',
  'keys',
  'password',
  'plaintext',
  'redisUrl',
  'secret',
  'set-cookie',
  'signedPreKey',
  'token',
];

/** One JSON line per event on stdout, or wherever `destination` writes. */
export function createLog(level: LogLevel, destination?: { write(line: string): void }): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secretFields.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]),
      censor: '[redacted]',
    },
    serializers: { err: describeError, error: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/**
 * Errors of drivers carry the row or the query that failed (pg's `detail`, `where`, `parameters`), so only what
 * names the place is kept.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return '[not an error]';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { type: error.name, message: error.message, code, stack: error.stack };
}
