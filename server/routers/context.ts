import { initTRPC, TRPCError } from '@trpc/server';
import { AparteError, type ErrorCode, errors } from '../../lib/protocol/errors';
import type { Asker, Ground } from '../ground';
import type { Limiters } from '../limiter';
import type { Committer } from '../messages/commit';
import { countOf, stopwatch } from '../metrics/metrics';
import type { EndpointPolicy } from '../push/endpoints';
import { codeOf } from '../refusal';

export interface Context {
  readonly ground: Ground & { readonly committer: Committer };
  readonly limiters: Limiters;
  /** The device behind the request's token, looked up when a procedure first asks. */
  readonly asker: () => Promise<Asker | undefined>;
  readonly ip: string;
  /** Where devices may ask to be woken. */
  readonly pushEndpoints: EndpointPolicy;
  /** The request's token, whatever has become of its device. */
  readonly token: string | undefined;
  /** Sets the answer's cookie to this token. */
  readonly setToken: (token: string) => void;
}

const t = initTRPC.context<Context>().create({
  errorFormatter({ shape, error }) {
    const aparte = shownCode(error);
    // Nothing of a cause, a schema's complaint or a stack crosses the wire.
    const { stack: _stack, ...data } = shape.data;
    return { ...shape, message: aparte, data: { ...data, aparte } };
  },
});

/** The code that a caller is shown for an error. */
export function shownCode(error: TRPCError): ErrorCode {
  if (error.cause instanceof AparteError) return error.cause.code;
  switch (error.code) {
    case 'BAD_REQUEST':
    case 'PARSE_ERROR':
    case 'UNPROCESSABLE_CONTENT':
    case 'UNSUPPORTED_MEDIA_TYPE':
    case 'METHOD_NOT_SUPPORTED':
      return 'invalid_input';
    case 'PAYLOAD_TOO_LARGE':
      return 'too_large';
    case 'NOT_FOUND':
      return 'not_found';
    case 'UNAUTHORIZED':
      return 'unauthenticated';
    default:
      return 'internal';
  }
}

const translateErrors = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok || !(result.error.cause instanceof Error)) return result;
  // A schema's refusal has its tRPC code already.
  if (result.error.code !== 'INTERNAL_SERVER_ERROR') return result;
  const code = codeOf(result.error.cause);
  if (code === 'internal') return result;
  throw new TRPCError({ code: errors[code].trpc, cause: new AparteError(code), message: code });
});

const measure = t.middleware(async ({ ctx, path, type, next }) => {
  const { calls, callSeconds } = ctx.ground.metrics;
  const seconds = stopwatch();
  countOf(calls, path);
  const result = await next();
  callSeconds[type].add(seconds());
  return result;
});

export const router = t.router;
export const publicProcedure = t.procedure.use(measure).use(translateErrors);

/** For a device with a token that is known and not revoked. */
export const deviceProcedure = publicProcedure.use(async ({ ctx, next }) => {
  const asker = await ctx.asker();
  if (asker === undefined) throw new AparteError('unauthenticated');
  limit(ctx.limiters.calls.take(asker.deviceId));
  return next({ ctx: { ...ctx, asker } });
});

/** @throws rate_limited */
export function limit(taken: boolean): void {
  if (!taken) throw new AparteError('rate_limited');
}
