import { createServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { orderOf } from './order';

/** socket.io on `ws`, WebSocket only, and nothing else. */
const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
const sockets: Socket[] = [];
let roomSize = 0;

io.on('connection', (socket) => {
  sockets[Number(socket.handshake.query.n)] = socket;
  socket.on('m', async (text: string) => {
    const { kind, first, count } = orderOf(text);
    if (kind === 'relay') sockets[first]?.emit('m', text);
    else if (kind === 'fan') {
      if (roomSize !== count) {
        roomSize = count;
        for (const [number, one] of sockets.entries()) await one.join(roomOf(Math.floor(number / count)));
      }
      socket.to(roomOf(first / count)).emit('m', text);
    } else io.emit('m', text);
  });
});
const roomOf = (group: number) => `${roomSize}-${group}`;

http.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  const address = http.address();
  process.send?.({ port: address === null || typeof address === 'string' ? 0 : address.port });
});
process.once('disconnect', () => process.exit(0));
