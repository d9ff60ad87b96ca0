import type { WebSocket } from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { orderOf } from './order';

const uws: typeof import('uWebSockets.js') = createRequire(import.meta.url)('uWebSockets.js');

/** uWebSockets.js and nothing else: no authentication, no session, no JSON, no limits. */
interface Data {
  number: number;
}
const sockets: WebSocket<Data>[] = [];
let subscribed = false;

const app = uws.App();
app.ws<Data>('/ws', {
  idleTimeout: 60,
  maxBackpressure: 64 * 1024 * 1024,
  upgrade(res, req, context) {
    const number = Number(req.getQuery('n'));
    res.upgrade<Data>(
      { number },
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      context,
    );
  },
  open(ws) {
    sockets[ws.getUserData().number] = ws;
  },
  message(ws, bytes) {
    const { kind, first, count } = orderOf(Buffer.from(bytes));
    switch (kind) {
      case 'relay':
        sockets[first]?.send(bytes);
        return;
      case 'fan':
        for (let at = first; at < first + count; at++) if (sockets[at] !== ws) sockets[at]?.send(bytes);
        return;
      case 'broadcast':
        for (const socket of sockets) socket.send(bytes);
        return;
      case 'publish':
        if (!subscribed) for (const socket of sockets) socket.subscribe('all');
        subscribed = true;
        app.publish('all', bytes);
    }
  },
});
app.listen('127.0.0.1', 0, (socket) => {
  process.send?.({ port: socket === false ? 0 : uws.us_socket_local_port(socket) });
});
process.once('disconnect', () => process.exit(0));
