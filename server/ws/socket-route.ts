import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { randomUUID } from 'node:crypto';
import { AparteError, type ErrorCode, errors } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import type { Broker } from '../broker';
import type { Config } from '../config';
import { authenticate } from '../devices/authentication';
import { tokenOf } from '../devices/tokens';
import type { Asker, Ground } from '../ground';
import { isAllowedOrigin } from '../http/caller';
import { type Hub, Session } from '../hub';
import { type Bucket, type Rates, takeTokens } from '../limiter';
import type { Log } from '../log';
import type { Committer } from '../messages/commit';
import { frameText } from '../notices';
import { handleFrame, parseFrame } from './frames';

export interface SocketRouteOptions {
  ground: Ground & { committer: Committer };
  hub: Hub;
  broker: Broker;
  config: Pick<Config, 'publicOrigin' | 'port'>;
  rates: Pick<Rates, 'frames' | 'signals'>;
  log: Log;
}

type Caller =
  | { state: 'refused'; code: ErrorCode }
  | { state: 'admitted'; asker: Asker }
  | { state: 'open'; session: Session; frames: Bucket; signals: Bucket };

interface Connection {
  caller: Caller;
}

/** Seconds without a frame or a pong after which uWebSockets.js ends a connection; it pings by itself before. */
const idleTimeoutSeconds = 60;
/** Beyond a frame's limit, so that a frame a little too long is refused with a code; the rest is cut by the library. */
const payloadSlackBytes = 64 * 1024;

/** The WebSocket at /ws: one connection per device, of which the newest counts. */
export function registerSocketRoute(app: TemplatedApp, options: SocketRouteOptions): void {
  const { ground, hub, broker, rates, log } = options;

  app.ws<Connection>('/ws', {
    maxPayloadLength: limits.frameMaxBytes + payloadSlackBytes,
    idleTimeout: idleTimeoutSeconds,
    sendPingsAutomatically: true,
    // The hub's own bound acts first.
    maxBackpressure: 64 * 1024 * 1024,
    upgrade(res, req, context) {
      admit(res, req, context, options).catch((error: unknown) => {
        log.error({ err: error }, 'An upgrade failed.');
      });
    },
    open(ws) {
      const connection = ws.getUserData();
      const { caller } = connection;
      if (caller.state === 'refused') {
        ws.end(errors[caller.code].close ?? errors.internal.close, caller.code);
        return;
      }
      if (caller.state !== 'admitted') return;
      const session = openSession(ws, caller.asker, ground.now());
      connection.caller = {
        state: 'open',
        session,
        frames: { tokens: rates.frames.burst, at: ground.now() },
        signals: { tokens: rates.signals.burst, at: ground.now() },
      };
      hub.add(session);
      broker.publish({
        kind: 'close',
        userId: session.userId,
        deviceId: session.deviceId,
        code: 'replaced',
        openedBefore: session.openedAt,
        exceptConnectionId: session.connectionId,
      });
      hub.send(session, frameText({ t: 'ready', at: ground.now() }));
    },
    message(ws, bytes) {
      const { caller } = ws.getUserData();
      if (caller.state !== 'open' || !hub.has(caller.session)) return;
      const { session } = caller;
      if (!takeTokens(caller.frames, rates.frames, ground.now())) {
        hub.close(session, 'rate_limited');
        return;
      }
      const parsed = parseFrame(bytes);
      if ('code' in parsed) {
        hub.send(session, frameText({ t: 'error', r: parsed.r, code: parsed.code }));
        return;
      }
      void handleFrame(parsed.frame, {
        ground,
        asker: session,
        reply: (frame) => hub.send(session, frameText(frame)),
        maySignal: (cost) => takeTokens(caller.signals, rates.signals, ground.now(), cost),
        onFailure: (error) => log.error({ err: error, frame: parsed.frame.t }, 'A frame failed.'),
      });
    },
    close(ws) {
      const { caller } = ws.getUserData();
      // Nobody is told `away` here: the device may be coming back to another node, or another one of its user's
      // may be online there, and no node knows that of the others. What it last said expires with its hearers.
      if (caller.state === 'open') hub.remove(caller.session);
    },
  });
}

/** Checks origin and token. Who is refused is let in and closed with a code, which is all that a browser can read. */
async function admit(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  { ground, config, log }: SocketRouteOptions,
): Promise<void> {
  let aborted = false;
  res.onAborted(() => {
    aborted = true;
  });
  const key = req.getHeader('sec-websocket-key');
  const protocol = req.getHeader('sec-websocket-protocol');
  const extensions = req.getHeader('sec-websocket-extensions');
  const allowed = isAllowedOrigin(req.getHeader('origin'), config);
  const token = tokenOf(req.getHeader('cookie'));
  const caller: Caller = allowed
    ? await callerOf(ground, token, log)
    : { state: 'refused', code: 'origin_forbidden' };
  if (aborted) return;
  res.cork(() => {
    res.upgrade<Connection>({ caller }, key, protocol, extensions, context);
  });
}

async function callerOf(ground: Ground, token: string | undefined, log: Log): Promise<Caller> {
  try {
    const asker = await authenticate(ground, token);
    return asker === undefined ? { state: 'refused', code: 'unauthenticated' } : { state: 'admitted', asker };
  } catch (error) {
    if (error instanceof AparteError) return { state: 'refused', code: error.code };
    log.error({ err: error }, 'A device could not be looked up.');
    return { state: 'refused', code: 'internal' };
  }
}

function openSession(ws: WebSocket<Connection>, asker: Asker, now: number): Session {
  const socket = {
    send: (frame: string) => {
      ws.send(frame);
    },
    bufferedBytes: () => ws.getBufferedAmount(),
    close: (code: number, reason: string) => {
      ws.end(code, reason);
    },
  };
  return new Session(socket, asker.userId, asker.deviceId, randomUUID(), now);
}
