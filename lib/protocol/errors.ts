/**
 * Every error that crosses the wire: one row per code. The sentence for a person stands in the app's
 * dictionaries under the same code.
 *
 * - `trpc`: the tRPC code of a refused procedure.
 * - `close`: the WebSocket close code where the error ends a connection. 4000–4499: reconnect; 4500–4999: stop.
 * - `retry`: the same request can succeed later, unchanged.
 */
export const errors = {
  internal: { trpc: 'INTERNAL_SERVER_ERROR', close: 4000, retry: true },
  heartbeat_timeout: { trpc: 'TIMEOUT', close: 4001, retry: true },
  shutting_down: { trpc: 'SERVICE_UNAVAILABLE', close: 4002, retry: true },
  slow_consumer: { trpc: 'SERVICE_UNAVAILABLE', close: 4003, retry: true },
  rate_limited: { trpc: 'TOO_MANY_REQUESTS', close: 4004, retry: true },
  overloaded: { trpc: 'SERVICE_UNAVAILABLE', close: 4005, retry: true },
  replaced: { trpc: 'CONFLICT', close: 4006, retry: true },
  unauthenticated: { trpc: 'UNAUTHORIZED', close: 4500, retry: false },
  device_revoked: { trpc: 'UNAUTHORIZED', close: 4501, retry: false },
  origin_forbidden: { trpc: 'FORBIDDEN', close: 4502, retry: false },
  invalid_input: { trpc: 'BAD_REQUEST', close: 4503, retry: false },
  too_large: { trpc: 'PAYLOAD_TOO_LARGE', close: 4504, retry: false },
  forbidden: { trpc: 'FORBIDDEN', close: null, retry: false },
  not_found: { trpc: 'NOT_FOUND', close: null, retry: false },
  handle_taken: { trpc: 'CONFLICT', close: null, retry: false },
  conflict: { trpc: 'CONFLICT', close: null, retry: false },
  /** A linking code that is unknown or too old. */
  link_expired: { trpc: 'NOT_FOUND', close: null, retry: false },
  link_used: { trpc: 'CONFLICT', close: null, retry: false },
  wrong_recovery_key: { trpc: 'FORBIDDEN', close: null, retry: false },
  too_many_devices: { trpc: 'BAD_REQUEST', close: null, retry: false },
  bad_signature: { trpc: 'BAD_REQUEST', close: null, retry: false },
  /** The account's attachments take all the room that it has on the server. */
  quota_exceeded: { trpc: 'FORBIDDEN', close: null, retry: false },
  group_full: { trpc: 'BAD_REQUEST', close: null, retry: false },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  trpc: string;
  close: number | null;
  retry: boolean;
}

export type ErrorCode = keyof typeof errors;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errors, code);
}

/** The code that a WebSocket close stands for, or `undefined` for one of the protocol's own (1006 and the like). */
export function errorOfClose(close: number): ErrorCode | undefined {
  return (Object.keys(errors) as ErrorCode[]).find((code) => errors[code].close === close);
}

/** A refusal with a code from the table. Thrown by the domain; the transports translate it. */
export class AparteError extends Error {
  constructor(readonly code: ErrorCode) {
    super(code);
    this.name = 'AparteError';
  }
}
