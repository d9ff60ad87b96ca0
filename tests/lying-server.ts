import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket, { WebSocketServer } from 'ws';
import { beat } from '../lib/protocol/frames';

/** What a procedure answers, changed. */
type Lie = (answer: unknown, input: unknown) => unknown;

/**
 * A server that lies: it stands in front of the real one, changes what procedures answer, and writes down what
 * devices send over their sockets.
 */
export class LyingServer {
  readonly lies = new Map<string, Lie>();
  /** Frames of devices, as they were sent. */
  readonly frames: string[] = [];
  origin = '';
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  private constructor(private readonly behind: string) {
    this.#http = createServer((request, response) => {
      this.#pass(request, response).catch((error: Error) => response.destroy(error));
    });
    this.#http.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (device) => this.#join(device, request));
    });
  }

  static async before(origin: string): Promise<LyingServer> {
    const server = new LyingServer(origin);
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    server.origin = `http://127.0.0.1:${(server.#http.address() as AddressInfo).port}`;
    return server;
  }

  /** The devices that were sent an envelope through here. */
  recipients(): string[] {
    return this.frames.flatMap((text) => {
      if (text === beat) return [];
      const frame: { message?: Sent; note?: Sent } = JSON.parse(text);
      const sent = frame.message ?? frame.note;
      return sent?.envelopes.map((envelope) => envelope.recipientDeviceId) ?? [];
    });
  }

  async close(): Promise<void> {
    for (const device of this.#sockets.clients) device.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const answer = await fetch(`${this.behind}${request.url}`, {
      method: request.method ?? 'GET',
      headers: this.#headers(request, ['content-type']),
      ...(body.length > 0 ? { body } : {}),
    });
    const text = this.#changed(
      new URL(request.url ?? '/', this.behind),
      body.toString(),
      await answer.text(),
    );
    const cookies = answer.headers.getSetCookie();
    response.writeHead(answer.status, { 'content-type': 'application/json', 'set-cookie': cookies });
    response.end(text);
  }

  #headers(request: IncomingMessage, more: string[]): Record<string, string> {
    const headers: Record<string, string> = { origin: this.behind };
    for (const name of ['cookie', ...more]) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    return headers;
  }

  /** tRPC's batches: the procedures stand in the path, their inputs by number, the answers in a list. */
  #changed(url: URL, body: string, text: string): string {
    const names = url.pathname.replace('/trpc/', '').split(',');
    if (!names.some((name) => this.lies.has(name))) return text;
    const inputs = JSON.parse(body || (url.searchParams.get('input') ?? '{}'));
    const answers: { result?: { data: unknown } }[] = JSON.parse(text);
    for (const [index, name] of names.entries()) {
      const result = answers[index]?.result;
      const lie = this.lies.get(name);
      if (result && lie) result.data = lie(result.data, inputs[index]);
    }
    return JSON.stringify(answers);
  }

  #join(device: WebSocket, request: IncomingMessage): void {
    const real = new WebSocket(`${this.behind.replace(/^http/, 'ws')}/ws`, {
      headers: this.#headers(request, []),
      perMessageDeflate: false,
    });
    const early: string[] = [];
    device.on('message', (data) => {
      const text = String(data);
      this.frames.push(text);
      if (real.readyState === WebSocket.OPEN) real.send(text);
      else early.push(text);
    });
    real.on('open', () => {
      for (const text of early) real.send(text);
    });
    real.on('message', (data) => device.send(String(data)));
    const code = (given: number) => (given === 1005 || given === 1006 ? 1001 : given);
    device.on('close', () => real.terminate());
    real.on('close', (given) => device.close(code(given)));
    // `close` follows; an error tells nothing that it does not.
    for (const socket of [device, real]) socket.on('error', () => undefined);
  }
}

interface Sent {
  envelopes: { recipientDeviceId: string }[];
}
