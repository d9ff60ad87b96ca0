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
  /** What a browser is answered; as the server has answered unless a test wants it otherwise. */
  change: (asked: { path: string; cookie: string }, text: string) => string = (_, text) => text;
  #refused: ((path: string) => void)[] = [];
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  /** Open connections to the server, by the cookie of the device. */
  readonly #live = new Map<string, number>();
  #waiting: { left: number; resolve: () => void }[] = [];
  #upstream = 0;
  #cut = false;

  private constructor() {
    this.#http = createServer((incoming, answer) => {
      if (this.#refuses(incoming)) return;
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body = Buffer.concat(chunks);
        this.heard.push(`${incoming.method} ${incoming.url}`, JSON.stringify(incoming.headers), String(body));
        // Uncompressed, so that a sentence could be found in it.
        const headers = { ...incoming.headers, 'accept-encoding': 'identity' };
        const target = { port: this.#upstream, method: incoming.method, path: incoming.url, headers };
        const asked = request(target, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            const whole = Buffer.concat(parts);
            this.heard.push(String(whole));
            const asked = { path: incoming.url ?? '', cookie: incoming.headers.cookie ?? '' };
            const changed = this.change(asked, String(whole));
            const body = changed === String(whole) ? whole : Buffer.from(changed);
            const { 'content-length': _, 'transfer-encoding': __, ...rest } = response.headers;
            answer.writeHead(response.statusCode ?? 502, { ...rest, 'content-length': body.length });
            answer.end(body);
            this.#passed();
          });
        });
        asked.on('error', () => answer.destroy());
        asked.end(body);
      });
    });
    this.#http.on('upgrade', (incoming: IncomingMessage, socket, head) => {
      if (this.#refuses(incoming)) return;
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

  /** The network between browsers and server is gone, or back. */
  setUp(up: boolean): void {
    this.#cut = !up;
    if (up) return;
    for (const device of this.#sockets.clients) device.terminate();
    this.#http.closeAllConnections();
  }

  /** The next request that finds no network: somebody has noticed. @returns what it asked for */
  refusal(): Promise<string> {
    return new Promise((resolve) => this.#refused.push(resolve));
  }

  #refuses({ socket, url = '' }: IncomingMessage): boolean {
    if (!this.#cut) return false;
    socket.destroy();
    for (const tell of this.#refused.splice(0)) tell(url);
    return true;
  }

  /** Resolves when so many more answers and frames have passed. */
  passing(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ left: count, resolve }));
  }

  /** Messages, not marks, that came as requests: a page sends in frames, the service worker in requests. */
  get messageRequests(): number {
    // Of each request: its line, its headers, its body.
    return this.heard.filter(
      (line, at) => /^POST .*messages\.send/.test(line) && this.heard[at + 2]?.includes('"slot":"log"'),
    ).length;
  }

  /** How many connections each device has that is connected. */
  get connections(): number[] {
    return [...this.#live.values()];
  }

  async close(): Promise<void> {
    for (const device of this.#sockets.clients) device.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #passed(): void {
    for (const waiting of this.#waiting) {
      waiting.left -= 1;
      if (waiting.left === 0) waiting.resolve();
    }
    this.#waiting = this.#waiting.filter(({ left }) => left > 0);
  }

  #count(cookie: string, change: 1 | -1): void {
    const count = (this.#live.get(cookie) ?? 0) + change;
    if (count > 0) this.#live.set(cookie, count);
    else this.#live.delete(cookie);
  }

  #join(device: WebSocket, { headers }: IncomingMessage): void {
    const cookie = headers.cookie ?? '';
    const server = new WebSocket(`ws://127.0.0.1:${this.#upstream}/ws`, {
      headers: { cookie, origin: headers.origin ?? '', host: headers.host ?? '' },
    });
    this.#count(cookie, 1);
    device.once('close', () => this.#count(cookie, -1));
    const early: string[] = [];
    const pass = (to: WebSocket, text: string) => {
      this.frames.push(text);
      this.#passed();
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
