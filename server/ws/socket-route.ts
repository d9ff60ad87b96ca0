import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { closeReason } from '../../lib/protocol/close-reason';
import { AparteError, type ErrorCode, errorOfClose, errors } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import type { Broker } from '../broker';
import type { Config } from '../config';
import type { Authentication } from '../devices/authentication';
import { tokenOf } from '../devices/tokens';
import type { Asker, Ground } from '../ground';
import { callerAddress, isAllowedOrigin } from '../http/caller';
import type { Hub } from '../hub';
import { type Limiters, type Rates, spend } from '../limiter';
import type { Log } from '../log';
import type { Committer } from '../messages/commit';
import { frameText } from '../notices';
import { Session } from '../session';
import { type Refusal, spreadMs } from './admission';
import { type FrameOptions, handleFrame, parseFrame } from './frames';

export interface SocketRouteOptions {
  ground: Ground & { committer: Committer };
  hub: Hub;
  broker: Broker;
  authentication: Pick<Authentication, 'askerOf'>;
  config: Pick<Config, 'publicOrigin' | 'port' | 'trustedProxies'>;
  rates: Pick<Rates, 'frames' | 'signals'>;
  /** A connection ended without a word: what was sent last may not have arrived. */
  onBroken(asker: Asker): void;
  limiters: Pick<Limiters, 'upgrades' | 'connections'>;
  /** Whether the node takes one more, asked before anything is looked up. */
  refusal: () => Refusal | null;
  /** A socket has ceased to be one of HTTP. */
  upgraded: () => void;
  log: Log;
}

/** uWebSockets.js copies these properties onto the socket's own object: one, so that it stays small. */
interface Connection {
  session: Session | Refusal | Newcomer;
}

/** Let in, and not known yet: nothing that it sends counts. */
class Newcomer {
  gone = false;
  constructor(readonly token: string | undefined) {}
}

/** What a connection counts as closed with that was not closed, but silent or cut. */
const brokenClose = 1006;
/**
 * A device that has not been heard of for so long is dead: it beats every 18 seconds (lib/protocol/frames.ts).
 * uWebSockets.js keeps one timer for all connections, which looks every four seconds. It could ping as well, but a
 * browser answers that also for a page that sleeps, to which a push is the better way.
 */
const idleTimeoutSeconds = 28;
/** Beyond a frame's limit, so that a frame a little too long is refused with a code; the rest is cut by the library. */
const payloadSlackBytes = 64 * 1024;
/**
 * What uWebSockets.js may hold for one that the kernel takes no more from. The writer's bound acts first, but for
 * who claims to have read what it has not; then frames are dropped, and the connection with them.
 */
const maxBackpressureBytes = 4 * 1024 * 1024;
/** Frames of one connection that are handled at a time, and their bytes. A device waits for answers long before. */
const maxHandling = 200;
const maxHandlingBytes = 8 * 1024 * 1024;
/** When the database could not say who somebody is. */
const lookUpAgainWithinMs = 10_000;
/** What cannot be read costs more of the allowance than what can. */
const garbageCost = 10;

/** The WebSocket at /ws: one connection per device, of which the newest counts. */
export function registerSocketRoute(app: TemplatedApp, options: SocketRouteOptions): void {
  const { ground, hub, broker, rates, limiters, upgraded, log } = options;
  const { metrics } = ground;
  const epoch = ground.now();
  const clock = () => ground.now() - epoch;
  let connections = 0;
  const frameOptions: FrameOptions<Session> = {
    ground,
    reply: (session, answer) => hub.send(session, frameText(answer)),
    maySignal: (session, cost) => {
      const wholeAt = spend(session.signalsWholeAt, rates.signals, clock(), cost);
      if (wholeAt === null) metrics.rateLimited.signals.add();
      else session.signalsWholeAt = wholeAt;
      return wholeAt !== null;
    },
    onFailure: (error, frame) => log.error({ err: error, frame: frame.t }, 'A frame failed.'),
  };

  app.ws<Connection>('/ws', {
    maxPayloadLength: limits.frameMaxBytes + payloadSlackBytes,
    idleTimeout: idleTimeoutSeconds,
    sendPingsAutomatically: false,
    maxBackpressure: maxBackpressureBytes,
    upgrade: (res, req, context) => upgrade(res, req, context, options),
    open(ws) {
      upgraded();
      const { session } = ws.getUserData();
      if ('code' in session) {
        refuse(ws, session);
        return;
      }
      if (!(session instanceof Newcomer)) return;
      void callerOf(options, session.token).then((caller) => {
        // After its end no method of the socket may be called.
        if (!session.gone) admit(ws, caller);
      });
    },
    message(ws, bytes) {
      const { session } = ws.getUserData();
      if (!(session instanceof Session) || !session.open) return;
      metrics.receivedBytes.add(bytes.byteLength);
      if (!mayWrite(session, 1)) return;
      if (bytes.byteLength === 0) {
        metrics.framesReceived.beat.add();
        return;
      }
      const parsed = parseFrame(Buffer.from(bytes));
      if ('code' in parsed) {
        metrics.framesUnreadable.add();
        metrics.errors[parsed.code].add();
        if (mayWrite(session, garbageCost))
          hub.send(session, frameText({ t: 'error', r: parsed.r, code: parsed.code }));
        return;
      }
      const { frame } = parsed;
      metrics.framesReceived[frame.t].add();
      const size = bytes.byteLength;
      if (session.handling >= maxHandling || session.handlingBytes + size > maxHandlingBytes) {
        metrics.framesPutOff.add();
        metrics.errors.overloaded.add();
        hub.send(session, frameText({ t: 'error', r: 'r' in frame ? frame.r : null, code: 'overloaded' }));
        return;
      }
      const handled = handleFrame(frame, session, frameOptions);
      if (handled === undefined) return;
      session.handling += 1;
      session.handlingBytes += size;
      void handled.finally(() => {
        session.handling -= 1;
        session.handlingBytes -= size;
      });
    },
    pong(ws, message) {
      const { session } = ws.getUserData();
      // The library's own pings are empty.
      if (message.byteLength === 0 || message.byteLength > 16 || !(session instanceof Session)) return;
      hub.acked(session, Buffer.from(message).toString('latin1'));
    },
    close(ws, closeCode) {
      const { session } = ws.getUserData();
      if (session instanceof Newcomer) session.gone = true;
      if (!(session instanceof Session)) return;
      // Nobody is told `away` here: the device may be coming back to another node, or another one of its user's
      // may be online there, and no node knows that of the others. What it last said expires with its hearers.
      hub.remove(session);
      broker.disconnected(session);
      metrics.connectionsClosed[errorOfClose(closeCode) ?? 'by_peer'].add();
      metrics.connectionSeconds.add((clock() - session.openedAt) / 1000);
      if (closeCode === brokenClose) options.onBroken(session);
    },
  });

  function admit(ws: WebSocket<Connection>, caller: Asker | Refusal): void {
    if ('code' in caller) {
      refuse(ws, caller);
      return;
    }
    if (!limiters.connections.take(caller.deviceId)) {
      refuse(ws, refused('rate_limited'));
      return;
    }
    connections = connections >= 2 ** 30 ? 1 : connections + 1;
    const session = new Session(ws, caller.userId, caller.deviceId, connections, clock());
    ws.getUserData().session = session;
    hub.add(session);
    broker.connected(session);
    hub.send(session, frameText({ t: 'ready', at: ground.now(), returnWithinMs: spreadMs(hub.size) }));
  }

  function refuse(ws: WebSocket<Connection>, { code, withinMs }: Refusal): void {
    metrics.upgradesRefused[code].add();
    ws.end(errors[code].close ?? errors.internal.close, closeReason(code, withinMs));
  }

  /** Spends of the connection's allowance of frames, or closes it. */
  function mayWrite(session: Session, cost: number): boolean {
    const wholeAt = spend(session.framesWholeAt, rates.frames, clock(), cost);
    if (wholeAt === null) {
      metrics.rateLimited.frames.add();
      hub.close(session, 'rate_limited');
    } else session.framesWholeAt = wholeAt;
    return wholeAt !== null;
  }
}

/**
 * Checks load, origin and address, and upgrades at once: who the device is is asked afterwards, since an upgrade that
 * waits is one more thing that can be held open. Who is refused is let in and closed with a code, which is all that
 * a browser can read; an address that comes too often is refused before that.
 */
function upgrade(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  { config, limiters, ground, refusal }: SocketRouteOptions,
): void {
  const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
  const address = callerAddress(peer, req.getHeader('x-forwarded-for'), config.trustedProxies);
  if (!limiters.upgrades.take(address)) {
    ground.metrics.upgradesRefused.rate_limited.add();
    res.writeStatus('429 Too Many Requests').writeHeader('retry-after', '30').end('', true);
    return;
  }
  const session = isAllowedOrigin(req.getHeader('origin'), config)
    ? (refusal() ?? new Newcomer(tokenOf(req.getHeader('cookie'))))
    : refused('origin_forbidden');
  res.upgrade<Connection>(
    { session },
    req.getHeader('sec-websocket-key'),
    req.getHeader('sec-websocket-protocol'),
    req.getHeader('sec-websocket-extensions'),
    context,
  );
}

const refused = (code: ErrorCode): Refusal => ({ code, withinMs: undefined });

async function callerOf(
  { authentication, log }: SocketRouteOptions,
  token: string | undefined,
): Promise<Asker | Refusal> {
  try {
    return (await authentication.askerOf(token, true)) ?? refused('unauthenticated');
  } catch (error) {
    // The database is away or much too late: whoever it is, let them not all come back at once.
    const later: Refusal = { code: 'overloaded', withinMs: lookUpAgainWithinMs };
    if (error instanceof AparteError) return error.code === 'overloaded' ? later : refused(error.code);
    log.error({ err: error }, 'A device could not be looked up.');
    return later;
  }
}
