import { randomUUID } from 'node:crypto';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import WebSocket from 'ws';
import { type DeviceFrame, framesOf } from '../../lib/protocol/frames';
import type { AppRouter } from '../../server/routers/app';
import { keepBeating } from '../../tests/beats';
import { keyMaterial } from '../../tests/key-material';

/** One device as the server sees it, without encryption: its cookie, its calls and one socket to one node. */
export class BareDevice {
  #cookie = '';
  #socket: WebSocket | undefined;
  #requests = 0;
  readonly #answers = new Map<number, (frame: { t: string }) => void>();
  userId = '';
  deviceId = '';
  readonly api;

  /** @param address as which it is counted; the node must believe its proxy on the loopback */
  constructor(
    readonly origin: string,
    private readonly address: string,
  ) {
    this.api = createTRPCClient<AppRouter>({
      links: [
        httpBatchLink({
          url: `${origin}/trpc`,
          fetch: async (input, init) => {
            const headers = this.#headers();
            if (init?.body !== undefined) headers['content-type'] = 'application/json';
            const { method = 'GET' } = init ?? {};
            const body = typeof init?.body === 'string' ? init.body : null;
            const response = await fetch(String(input), { method, body, headers });
            this.#cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? this.#cookie;
            return response;
          },
        }),
      ],
    });
  }

  async signUp(): Promise<void> {
    const account = await this.api.accounts.signUp.mutate(keyMaterial({ oneTimeKeys: 1 }).request);
    this.userId = account.userId;
    this.deviceId = account.deviceId;
  }

  /** Resolves when the node has greeted it. */
  async connect(): Promise<void> {
    const socket = new WebSocket(`${this.origin.replace('http', 'ws')}/ws`, {
      headers: this.#headers(),
      perMessageDeflate: false,
    });
    this.#socket = socket;
    keepBeating(socket);
    await new Promise<void>((resolve, reject) => {
      // What is asked of a connection that has gone is never answered; whoever waits has a deadline of its own.
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('The connection ended.')));
      socket.on('message', (data) => {
        for (const frame of framesOf(String(data))) {
          if (frame.t === 'ready') resolve();
          if (!('r' in frame) || frame.r === null) continue;
          this.#answers.get(frame.r)?.(frame);
          this.#answers.delete(frame.r);
        }
      });
    });
  }

  disconnect(): void {
    this.#socket?.terminate();
  }

  post(frame: DeviceFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  /** @returns the type of the answer */
  async say(conversationId: string, given: SayOptions = {}): Promise<string> {
    const r = this.#requests++;
    const answered = new Promise<string>((resolve) => {
      this.#answers.set(r, (frame) => resolve(frame.t));
    });
    const { rosterVersion = 1, envelopes = [], ciphertext = 'x'.repeat(600) } = given;
    const clientId = randomUUID();
    const message = { conversationId, clientId, slot: 'log' as const, rosterVersion, ciphertext, envelopes };
    this.post({ t: 'send', r, message });
    return answered;
  }

  #headers(): Record<string, string> {
    const headers: Record<string, string> = { origin: this.origin, 'x-forwarded-for': this.address };
    if (this.#cookie !== '') headers.cookie = this.#cookie;
    return headers;
  }
}

interface SayOptions {
  rosterVersion?: number;
  ciphertext?: string;
  envelopes?: { recipientDeviceId: string; type: string; content: string }[];
}
