import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { type AnyTRPCRouter, type inferRouterContext, TRPCError } from '@trpc/server';
import { resolveResponse } from '@trpc/server/http';
import { AparteError } from '../../lib/protocol/errors';
import type { Config } from '../config';
import type { Log } from '../log';
import { callerAddress, isAllowedOrigin } from './caller';
import { readBody, sendResponse } from './exchange';

export interface CallContext {
  /** Of the request; the device's cookie is in `cookie`. */
  readonly headers: Headers;
  /** The caller's address, for rate limits only. */
  readonly ip: string;
  /** For the answer, as `set-cookie`. */
  readonly resHeaders: Headers;
}

export interface TrpcOptions<Router extends AnyTRPCRouter> {
  readonly config: Pick<Config, 'publicOrigin' | 'port' | 'trustedProxies'>;
  readonly router: Router;
  createContext(call: CallContext): inferRouterContext<Router> | Promise<inferRouterContext<Router>>;
  readonly log: Log;
  /** Hears every refusal and failure, one by one. */
  readonly onError?: (error: TRPCError) => void;
  /** Bytes of a request's body; what is longer is refused with 413 before it is read to its end. */
  readonly maxBodyBytes?: number;
}

const prefix = '/trpc/';

/** A handler for /trpc/*. Its promise settles when the answer is given, and never rejects. */
export function trpcHandler<Router extends AnyTRPCRouter>(options: TrpcOptions<Router>) {
  const { config, log, router } = options;
  const maxBodyBytes = options.maxBodyBytes ?? 1024 * 1024;

  return async (res: HttpResponse, req: HttpRequest): Promise<void> => {
    const abort = new AbortController();
    // uWebSockets.js frees the response of a caller who left: nothing may touch it after this fires.
    res.onAborted(() => abort.abort());

    try {
      // The request object is valid in this tick only, so whatever is needed of it is copied here.
      const method = req.getMethod().toUpperCase();
      const path = req.getUrl().slice(prefix.length);
      const query = req.getQuery();
      const headers = new Headers();
      req.forEach((name, value) => {
        headers.append(name, value);
      });
      const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
      const ip = callerAddress(peer, headers.get('x-forwarded-for') ?? '', config.trustedProxies);

      const changing = method !== 'GET' && method !== 'HEAD';
      const body = changing ? await readBody(res, maxBodyBytes, abort.signal) : undefined;
      const refusal = refusalOf(changing, headers.get('origin') ?? '', body);
      const resHeaders = new Headers({ 'cache-control': 'no-store' });
      const response = await resolveResponse({
        router,
        path,
        // Queries may come as POST: a long list of ids does not fit into an address.
        allowMethodOverride: true,
        req: new Request(`${config.publicOrigin}${prefix}${path}${query === '' ? '' : `?${query}`}`, {
          method,
          headers,
          signal: abort.signal,
          ...(body instanceof Uint8Array && refusal === null ? { body } : {}),
        }),
        error: refusal,
        createContext: () => Promise.resolve(options.createContext({ headers, ip, resHeaders })),
        responseMeta: () => ({ headers: resHeaders }),
        onError: ({ error, path: procedure }) => {
          options.onError?.(error);
          if (error.code === 'INTERNAL_SERVER_ERROR')
            log.error({ err: error.cause ?? error, procedure }, 'A call failed.');
        },
      });
      await sendResponse(res, response, { headOnly: method === 'HEAD', signal: abort.signal });
    } catch (error) {
      if (abort.signal.aborted) return;
      log.error({ err: error }, 'A request could not be answered.');
      res.cork(() => res.writeStatus('500 Internal Server Error').end('', true));
    }
  };

  function refusalOf(changing: boolean, origin: string, body: Uint8Array | 'too large' | undefined) {
    if (changing && !isAllowedOrigin(origin, config)) {
      return new TRPCError({ code: 'FORBIDDEN', cause: new AparteError('origin_forbidden') });
    }
    if (body === 'too large') {
      return new TRPCError({ code: 'PAYLOAD_TOO_LARGE', cause: new AparteError('too_large') });
    }
    return null;
  }
}
