import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from '../../server/routers/app';
import { type ErrorCode, isErrorCode } from '../protocol/errors';

export type Api = ReturnType<typeof createApi>;

/**
 * @param origin of the server, '' in a page of its own
 * @param fetcher the network: the page's `fetch`, or a test's that holds a cookie and fails on purpose
 */
export function createApi(origin: string, fetcher: typeof fetch) {
  return createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${origin}/trpc`,
        // Questions that are asked together travel together, as many as a request's line holds.
        maxURLLength: 2_000,
        fetch: (input, init) => fetcher(input, bounded(init as RequestInit)),
      }),
    ],
  });
}

/** A request without an answer counts as lost: nothing may wait for one for ever. */
const answerMs = 30_000;

function bounded(init: RequestInit): RequestInit {
  const timeout = AbortSignal.timeout(answerMs);
  return { ...init, signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout };
}

/** Why a call failed: a code of the table, or `offline` when no answer came. */
export function failureOf(error: unknown): ErrorCode | 'offline' {
  if (error instanceof TRPCClientError) {
    const data: unknown = error.data;
    if (typeof data === 'object' && data !== null && 'aparte' in data && isErrorCode(data.aparte))
      return data.aparte;
    return error.data ? 'internal' : 'offline';
  }
  return 'internal';
}
