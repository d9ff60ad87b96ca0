import { type WebSocket, WebSocketServer } from 'ws';
import { orderOf } from './order';

/** `ws` and nothing else. */
const sockets: WebSocket[] = [];
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 1024 });
server.on('connection', (socket, request) => {
  sockets[Number(request.url?.split('n=')[1])] = socket;
  socket.on('message', (data) => {
    if (!Buffer.isBuffer(data)) return;
    const { kind, first, count } = orderOf(data);
    if (kind === 'relay') sockets[first]?.send(data, { binary: false });
    else if (kind === 'fan') {
      for (let at = first; at < first + count; at++)
        if (sockets[at] !== socket) sockets[at]?.send(data, { binary: false });
    } else for (const one of sockets) one.send(data, { binary: false });
  });
});
server.on('listening', () => {
  const address = server.address();
  process.send?.({ port: address === null || typeof address === 'string' ? 0 : address.port });
});
process.once('disconnect', () => process.exit(0));
