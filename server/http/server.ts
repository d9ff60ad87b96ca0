import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { AnyTRPCRouter } from '@trpc/server';
import { mediaPath } from '../../lib/protocol/attachments';
import type { Config } from '../config';
import type { Doorkeeper } from './doorkeeper';
import { type MediaOptions, mediaHandler } from './media';
import { readSite } from './site';
import { serveStatic } from './static';
import { type TrpcOptions, trpcHandler } from './trpc';

// A CommonJS package whose names Node cannot list before running it: importing them by name fails outside a bundler.
const uws: typeof import('uWebSockets.js') = createRequire(import.meta.url)('uWebSockets.js');

export interface HttpOptions<Router extends AnyTRPCRouter> extends Omit<TrpcOptions<Router>, 'config'> {
  readonly config: Config;
  /** Registers further routes, such as `app.ws('/ws', …)`, before the site takes what is left. */
  readonly register?: (app: TemplatedApp) => void;
  /** Watches who connects, from before the first word. */
  readonly doorkeeper?: Pick<Doorkeeper, 'watch'>;
  readonly media?: MediaOptions;
  /** The exported site; `out` in the working directory unless told otherwise. */
  readonly siteFolder?: string;
  /** How long `close` waits for answers that are being made. */
  readonly closeTimeoutMs?: number;
}

export interface HttpServer {
  readonly port: number;
  /** Takes no new connections from now on; those that are open go on. */
  refuseNew(): void;
  /** Takes no new connections, lets running calls end, then closes what is left. */
  close(): Promise<void>;
}

export async function startHttp<Router extends AnyTRPCRouter>(
  options: HttpOptions<Router>,
): Promise<HttpServer> {
  const { config } = options;
  const site = await readSite(resolve(options.siteFolder ?? join(process.cwd(), 'out')), config.publicOrigin);
  const running = new Set<Promise<void>>();
  const answerCall = trpcHandler(options);
  const app = uws.App();
  options.doorkeeper?.watch(app);

  type Handler = (res: HttpResponse, req: HttpRequest) => Promise<void>;
  const watched = (handler: Handler) => (res: HttpResponse, req: HttpRequest) => {
    const call = handler(res, req).finally(() => running.delete(call));
    running.add(call);
  };
  const answer = watched(answerCall);
  // A method's own routes go before those of any method, so the site's would take the queries.
  app.get('/trpc/*', answer).head('/trpc/*', answer).any('/trpc/*', answer);
  if (options.media) {
    const media = watched(mediaHandler(options.media, config, options.log));
    app.get(`${mediaPath}*`, media).head(`${mediaPath}*`, media).put(`${mediaPath}*`, media);
  }
  options.register?.(app);
  app.get('/*', (res, req) => serveStatic(site, res, req));
  app.head('/*', (res, req) => serveStatic(site, res, req));
  app.any('/*', (res) => {
    res.writeStatus('405 Method Not Allowed').writeHeader('allow', 'GET, HEAD').end('', true);
  });

  const socket = await listen(app, config);
  let closing: Promise<void> | undefined;
  let listening = true;
  const refuseNew = () => {
    if (listening) uws.us_listen_socket_close(socket);
    listening = false;
  };
  return {
    port: uws.us_socket_local_port(socket),
    refuseNew,
    close() {
      closing ??= (async () => {
        refuseNew();
        await settledOrLate([...running], options.closeTimeoutMs ?? 5000);
        app.close();
      })();
      return closing;
    },
  };
}

// LIBUS_LISTEN_DEFAULT and LIBUS_LISTEN_EXCLUSIVE_PORT: the package's types declare them where its code has none.
const sharedPort = 0;
const exclusivePort = 1;

/**
 * uWebSockets.js shares a port among processes by default. That is how several workers listen; a single process
 * asks for the port alone, or a second start would silently take half of the first one's callers.
 */
function listen(app: TemplatedApp, config: Config): Promise<us_listen_socket> {
  const sharing = config.workers > 1 ? sharedPort : exclusivePort;
  return new Promise((resolve, reject) => {
    const listening = (socket: us_listen_socket | false) => {
      if (socket !== false) return resolve(socket);
      reject(new Error(`Port ${config.port} on ${config.host} is in use or not allowed; set PORT or HOST.`));
    };
    // The types know host or options; the library takes both.
    Reflect.apply(app.listen, app, [config.host, config.port, sharing, listening]);
  });
}

async function settledOrLate(calls: readonly Promise<void>[], timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.allSettled(calls), late]);
  clearTimeout(timer);
}
