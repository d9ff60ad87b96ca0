import WebSocket from 'ws';
import type { Socket, SocketListener } from '../lib/client/environment';

/** How often a network does wrong, as shares of one. */
export interface Faults {
  drop: number;
  duplicate: number;
  /** Share of frames and requests that are held for up to `delayMs`, and so overtaken by later ones. */
  delay: number;
  delayMs: number;
  /** Share of frames after which the connection breaks. */
  cut: number;
}

export const noFaults: Faults = { drop: 0, duplicate: 0, delay: 0, delayMs: 0, cut: 0 };

/** One device's way to a real server: its own cookie, and faults by its own dice. */
export class DeviceNetwork {
  faults: Faults = noFaults;
  up = true;
  /** Which requests a gateway answers with a page of its own, while sockets live. */
  fails: (url: string, body: string) => boolean = () => false;
  /** Answers that somebody in between gives to requests. */
  answers: (url: string) => Response | null = () => null;
  /** What comes over sockets and is lost on the way. */
  loses: (message: string) => boolean = () => false;
  /** How many sockets. */
  opened = 0;
  #cookie = '';
  #sockets = new Set<WebSocket>();
  #refused: (() => void)[] = [];

  constructor(
    private readonly origin: () => string,
    private readonly dice: () => number,
  ) {}

  /** How many sockets are open, or being opened. */
  get sockets(): number {
    return this.#sockets.size;
  }

  /** The machine loses its network: what is open breaks, nothing gets through until it is back. */
  setUp(up: boolean): void {
    this.up = up;
    if (up) return;
    for (const socket of this.#sockets) socket.terminate();
  }

  /** The next request that finds no network. */
  refusal(): Promise<void> {
    return new Promise((resolve) => this.#refused.push(resolve));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    await this.#hold();
    if (!this.up) for (const tell of this.#refused.splice(0)) tell();
    if (!this.up || this.#hits(this.faults.drop)) throw new TypeError('the request was lost');
    const headers = new Headers(init?.headers);
    headers.set('origin', this.origin());
    if (this.#cookie) headers.set('cookie', this.#cookie);
    const url = String(input instanceof Request ? input.url : input);
    if (this.fails(url, String(init?.body ?? ''))) return new Response('Bad Gateway', { status: 502 });
    const answer = this.answers(url);
    if (answer) return answer;
    const response = await fetch(url.startsWith('/') ? `${this.origin()}${url}` : url, { ...init, headers });
    const set = response.headers.getSetCookie()[0];
    if (set) this.#cookie = set.split(';')[0] ?? '';
    await this.#hold();
    if (!this.up || this.#hits(this.faults.drop)) {
      await response.body?.cancel();
      throw new TypeError('the answer was lost');
    }
    return response;
  };

  readonly openSocket = (on: SocketListener): Socket => {
    const origin = this.origin();
    const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/ws`, {
      headers: { cookie: this.#cookie, origin },
      perMessageDeflate: false,
    });
    let live = true;
    this.opened += 1;
    this.#sockets.add(socket);
    if (!this.up) setImmediate(() => socket.terminate());
    // `close` follows; an error tells nothing that it does not.
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      this.#sockets.delete(socket);
      if (live) on.closed(code, String(reason));
      live = false;
    });
    socket.on('message', (data) => {
      // The handshake's own frame comes through; a connection that never gets ready is a cut one.
      const text = String(data);
      this.#carry(socket, () => live && !this.loses(text) && on.message(text));
    });
    return {
      send: (text) =>
        this.#carry(socket, () => {
          if (socket.readyState === WebSocket.OPEN) socket.send(text);
        }),
      close: () => {
        live = false;
        socket.terminate();
      },
    };
  };

  #carry(socket: WebSocket, deliver: () => void): void {
    if (this.#hits(this.faults.drop)) return;
    const times = this.#hits(this.faults.duplicate) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      if (this.#hits(this.faults.delay)) setTimeout(deliver, this.dice() * this.faults.delayMs);
      else deliver();
    }
    if (this.#hits(this.faults.cut)) socket.terminate();
  }

  async #hold(): Promise<void> {
    if (!this.#hits(this.faults.delay)) return;
    await new Promise<void>((resolve) => setTimeout(resolve, this.dice() * this.faults.delayMs));
  }

  #hits(share: number): boolean {
    return share > 0 && this.dice() < share;
  }
}
