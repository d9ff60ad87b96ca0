import { AparteError, type ErrorCode } from '../lib/protocol/errors';

/**
 * SQLSTATEs that only a value can cause which passed the schemas, such as a NUL character or half a surrogate
 * pair in a text.
 */
const badValue = new Set(['22021', '22P02', '22P05', '22003']);

/** The code that an error crosses the wire as. What is not a refusal of ours is `internal`. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof AparteError) return error.code;
  const state = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof state === 'string' && badValue.has(state) ? 'invalid_input' : 'internal';
}
