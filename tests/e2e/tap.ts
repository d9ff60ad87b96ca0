import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket, { WebSocketServer } from 'ws';

/**
 * A proxy between browsers and the server that keeps all that passes: heads and bodies of requests and answers,
 * and every frame. Workers' traffic is in it too, which the browser's own tools leave out.
 */
export class Tap {
  readonly heard: string[] = [];
  readonly frames: string[] = [];
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  #upstream = 0;

  private constructor() {
    this.#http = createServer((incoming, answer) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body = Buffer.concat(chunks);
        this.heard.push(`${incoming.method} ${incoming.url}`, JSON.stringify(incoming.headers), String(body));
        // Uncompressed, so that a sentence could be found in it.
        const headers = { ...incoming.headers, 'accept-encoding': 'identity' };
        const target = { port: this.#upstream, method: incoming.method, path: incoming.url, headers };
        const asked = request(target, (response) => {
          answer.writeHead(response.statusCode ?? 502, response.headers);
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => this.heard.push(String(Buffer.concat(parts))));
          response.pipe(answer);
        });
        asked.on('error', () => answer.destroy());
        asked.end(body);
      });
    });
    this.#http.on('upgrade', (incoming: IncomingMessage, socket, head) => {
      this.#sockets.handleUpgrade(incoming, socket, head, (device) => this.#join(device, incoming));
    });
  }

  static async open(): Promise<Tap> {
    const tap = new Tap();
    await new Promise<void>((resolve) => tap.#http.listen(0, '127.0.0.1', resolve));
    return tap;
  }

  get origin(): string {
    // A listening server on a port has an address of this form.
    return `http://localhost:${(this.#http.address() as AddressInfo).port}`;
  }

  connectTo(port: number): void {
    this.#upstream = port;
  }

  async close(): Promise<void> {
    for (const device of this.#sockets.clients) device.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #join(device: WebSocket, { headers }: IncomingMessage): void {
    const server = new WebSocket(`ws://127.0.0.1:${this.#upstream}/ws`, {
      headers: { cookie: headers.cookie ?? '', origin: headers.origin ?? '', host: headers.host ?? '' },
    });
    const early: string[] = [];
    const pass = (to: WebSocket, text: string) => {
      this.frames.push(text);
      if (to.readyState === WebSocket.OPEN) to.send(text);
      else early.push(text);
    };
    device.on('message', (data) => pass(server, String(data)));
    server.on('message', (data) => pass(device, String(data)));
    server.on('open', () => {
      for (const text of early.splice(0)) server.send(text);
    });
    // Codes below 3000 are the protocol's own and may not be sent on.
    server.on('close', (code) => (code >= 3000 ? device.close(code) : device.terminate()));
    server.on('error', () => device.terminate());
    device.on('close', () => server.terminate());
  }
}
