import puppeteer, { type Browser, type ConnectionTransport } from 'puppeteer-core';
import { WebSocket } from 'ws';

/**
 * A browser for Lighthouse to look at without the debugger that it attaches to whatever it measures: with one V8 goes
 * through every function of the compiled scripts that it has kept from earlier, 150 ms where nobody else waits for 2.
 * @param port where the browser listens for the DevTools protocol
 */
export async function undebugged(port: number): Promise<Browser> {
  const answer = await fetch(`http://127.0.0.1:${port}/json/version`);
  const { webSocketDebuggerUrl }: { webSocketDebuggerUrl: string } = await answer.json();
  const socket = new WebSocket(webSocketDebuggerUrl, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return puppeteer.connect({ transport: withoutDebugger(socket), defaultViewport: null });
}

/** Answers for the browser what is said to its debugger, https://chromedevtools.github.io/devtools-protocol/v8/Debugger/. */
function withoutDebugger(socket: WebSocket): ConnectionTransport {
  const transport: ConnectionTransport = {
    send(message) {
      const { id, method, sessionId }: { id: number; method: string; sessionId?: string } =
        JSON.parse(message);
      if (!method.startsWith('Debugger.')) return socket.send(message);
      queueMicrotask(() => transport.onmessage?.(JSON.stringify({ id, sessionId, result: {} })));
    },
    close: () => socket.close(),
  };
  socket.on('message', (data) => transport.onmessage?.(String(data)));
  socket.on('close', () => transport.onclose?.());
  return transport;
}
