import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { TRPCError } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { attachmentAddress, mediaPath } from '../../lib/protocol/attachments';
import { AparteError, type ErrorCode, errors } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import type { Config } from '../config';
import type { Asker } from '../ground';
import type { Log } from '../log';
import { codeOf } from '../refusal';
import { callerAddress, isAllowedOrigin } from './caller';
import { readBody, sendResponse } from './exchange';

export interface MediaOptions {
  readonly askerOf: (cookie: string | undefined) => Promise<Asker | undefined>;
  /** Takes of an allowance. @returns whether there was enough */
  readonly mayStore: (asker: Asker) => boolean;
  readonly mayRead: (address: string) => boolean;
  readonly store: (asker: Asker, address: string, bytes: Uint8Array) => Promise<void>;
  readonly read: (address: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Hears every refusal and failure. */
  readonly onError: (code: ErrorCode) => void;
}

/** What is under an address never changes: a browser, or a cache in between, need ask once only. */
const forEver = 'public, max-age=31536000, immutable';

/** A handler for /media/*. Its promise settles when the answer is given, and never rejects. */
export function mediaHandler(
  options: MediaOptions,
  config: Pick<Config, 'publicOrigin' | 'port' | 'trustedProxies'>,
  log: Log,
) {
  return async (res: HttpResponse, req: HttpRequest): Promise<void> => {
    const abort = new AbortController();
    res.onAborted(() => abort.abort());
    // The request object is valid in this tick only.
    const method = req.getMethod();
    const address = req.getUrl().slice(mediaPath.length);
    const [cookie, origin, forwarded] = ['cookie', 'origin', 'x-forwarded-for'].map((name) =>
      req.getHeader(name),
    );
    const answer = async (): Promise<Response> => {
      if (method === 'put') {
        // Read to its end in any case, so that its sender gets to see the answer.
        const body = await readBody(res, limits.attachmentMaxBytes, abort.signal);
        if (!isAllowedOrigin(origin ?? '', config)) throw new AparteError('origin_forbidden');
        const asker = await options.askerOf(cookie);
        if (asker === undefined) throw new AparteError('unauthenticated');
        if (!options.mayStore(asker)) throw new AparteError('rate_limited');
        if (body === 'too large') throw new AparteError('too_large');
        await options.store(asker, checked(address), body);
        return new Response(null, { status: 204 });
      }
      const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
      if (!options.mayRead(callerAddress(peer, forwarded ?? '', config.trustedProxies)))
        throw new AparteError('rate_limited');
      const bytes = await options.read(checked(address));
      if (bytes === undefined) throw new AparteError('not_found');
      return new Response(bytes, {
        headers: { 'cache-control': forEver, 'content-type': 'application/octet-stream' },
      });
    };
    try {
      const response = await answer().catch((error: unknown) => {
        if (abort.signal.aborted) throw error;
        return refused(error);
      });
      await sendResponse(res, response, { headOnly: method === 'head', signal: abort.signal });
    } catch (error) {
      if (abort.signal.aborted) return;
      log.error({ err: error }, 'A request could not be answered.');
      res.cork(() => res.writeStatus('500 Internal Server Error').end('', true));
    }
  };

  function refused(error: unknown): Response {
    const code = codeOf(error);
    options.onError(code);
    if (code === 'internal') log.error({ err: error }, 'An attachment could not be stored or read.');
    const status = getHTTPStatusCodeFromError(new TRPCError({ code: errors[code].trpc }));
    return Response.json({ code }, { status, headers: { 'cache-control': 'no-store' } });
  }
}

/** @throws invalid_input */
function checked(address: string): string {
  const parsed = attachmentAddress.safeParse(address);
  if (!parsed.success) throw new AparteError('invalid_input');
  return parsed.data;
}
