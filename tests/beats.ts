import WebSocket from 'ws';
import { beat, beatMs } from '../lib/protocol/frames';

/** Says over a socket that its device is there, until it closes; the app does so when it says nothing else. */
export function keepBeating(socket: WebSocket): void {
  const beats = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(beat), beatMs);
  socket.on('close', () => clearInterval(beats));
}
