import { randomUUID } from 'node:crypto';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import WebSocket from 'ws';
import {
  type ConnectionEvent,
  type ConnectionState,
  nextConnectionState,
} from '../lib/client/connection-state';
import { returnWithinMs, withinMsOf } from '../lib/protocol/close-reason';
import { framesOf, type ServerFrame } from '../lib/protocol/frames';
import type { Message } from '../lib/protocol/messages';
import type { AppRouter } from '../server/routers/app';
import { keepBeating } from './beats';
import { keyMaterial } from './key-material';

/** What a device has of one conversation. */
interface Held {
  rosterVersion: number;
  cursor: number;
  readonly clientIds: string[];
}

/** Without a word of the server for this long, a device asks; the browser's engine does so too. */
const quietMs = 25_000;

/**
 * A device without encryption and without a database, of which a test can have hundreds: it follows the cursor as the
 * engine does, connects by the engine's own state machine, and writes down what it got and when.
 */
export class LeanDevice {
  readonly api;
  readonly material = keyMaterial();
  readonly held = new Map<string, Held>();
  /** From a message's first sending to its being here, in ms, with the moment and its sender. */
  readonly latencies: { at: number; ms: number; from: string }[] = [];
  state: ConnectionState = { name: 'stopped' };
  /** When the state last became what it is. */
  since = Date.now();
  /** Close codes of connections that ended. */
  readonly closes: number[] = [];
  userId = '';
  deviceId = '';
  #cookie = '';
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #request = 0;
  readonly #answers = new Map<number, (answer: ServerFrame | null) => void>();
  #pulling: Promise<void> | null = null;
  readonly #behind = new Set<string>();
  #lookAtAll = false;
  #watchers: (() => void)[] = [];

  /** @param origins of the nodes; a device whose node is away tries the next */
  constructor(
    private readonly origins: readonly string[],
    private place = 0,
    private readonly publicOrigin = origins[place % origins.length] ?? '',
  ) {
    // Each from an address of its own, as a proxy would say: a whole town is behind one machine here.
    const address = `10.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`;
    this.#address = address;
    this.api = createTRPCClient<AppRouter>({
      links: [
        httpBatchLink({
          url: 'http://node/trpc',
          fetch: async (input, init) => {
            const headers = new Headers(init?.headers as HeadersInit);
            headers.set('origin', this.publicOrigin);
            headers.set('x-forwarded-for', address);
            if (this.#cookie !== '') headers.set('cookie', this.#cookie);
            const url = String(input).replace('http://node', this.#origin());
            const response = await fetch(url, { ...(init as RequestInit), headers });
            this.#cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? this.#cookie;
            return response;
          },
        }),
      ],
    });
  }

  readonly #address: string;

  async signUp(): Promise<void> {
    const account = await this.api.accounts.signUp.mutate(this.material.request);
    this.userId = account.userId;
    this.deviceId = account.deviceId;
  }

  start(): void {
    this.#dispatch({ name: 'start' });
  }

  stop(): void {
    this.#dispatch({ name: 'stop' });
    clearTimeout(this.#timer);
    clearTimeout(this.#quiet);
  }

  /** Resolves when a look finds what it looks for; looks at every change. */
  async until(found: () => boolean): Promise<void> {
    while (!found()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  /** What a browser would send with an upgrade. */
  get headers(): Record<string, string> {
    return { cookie: this.#cookie, origin: this.publicOrigin, 'x-forwarded-for': this.#address };
  }

  /** Resolves after the server has acknowledged it, however many connections that takes. */
  async send(conversationId: string, bytes = 0): Promise<string> {
    const held = this.held.get(conversationId);
    if (held === undefined) throw new Error('No such conversation.');
    const clientId = randomUUID();
    const ciphertext = String(Date.now()).padEnd(bytes);
    for (;;) {
      await this.until(() => this.state.name === 'online' || this.state.name === 'catching_up');
      const { rosterVersion } = held;
      const message = {
        conversationId,
        clientId,
        slot: 'log' as const,
        rosterVersion,
        ciphertext,
        envelopes: [],
      };
      const answer = await this.#ask((r) => ({ t: 'send', r, message }));
      if (answer?.t === 'stale') held.rosterVersion = answer.rosterVersion;
      if (answer?.t !== 'sent') continue;
      // The sender is not sent its own.
      this.#take({ conversationId, clientId, ciphertext, seq: answer.seq, senderDeviceId: this.deviceId });
      return clientId;
    }
  }

  #ask(frame: (r: number) => object): Promise<ServerFrame | null> {
    const r = ++this.#request;
    return new Promise((resolve) => {
      this.#answers.set(r, resolve);
      this.#socket?.send(JSON.stringify(frame(r)));
    });
  }

  #origin(): string {
    return this.origins[this.place % this.origins.length] ?? '';
  }

  #dispatch(event: ConnectionEvent): void {
    const before = this.state;
    const after = nextConnectionState(before, event);
    if (after === before) return;
    this.state = after;
    this.since = Date.now();
    clearTimeout(this.#timer);
    if (after.name === 'connecting') this.#open();
    if (after.name === 'waiting') {
      this.#timer = setTimeout(() => this.#dispatch({ name: 'timer' }), after.delayMs);
      // A proxy would find another node.
      this.place += 1;
    }
    if (after.name === 'stopped') this.#drop();
    this.#changed();
  }

  #open(): void {
    const socket = new WebSocket(`${this.#origin().replace('http', 'ws')}/ws`, {
      headers: this.headers,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    keepBeating(socket);
    // `close` follows, and tells more.
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      for (const frame of framesOf(String(data))) if (this.#socket === socket) this.#receive(frame);
    });
    socket.on('close', (close, reason) => {
      if (this.#socket !== socket) return;
      this.closes.push(close);
      this.#drop();
      this.#dispatch({ name: 'closed', close, withinMs: withinMsOf(String(reason)), dice: Math.random() });
    });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
    for (const answer of this.#answers.values()) answer(null);
    this.#answers.clear();
  }

  #receive(frame: ServerFrame): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#pull(null), quietMs);
    if (frame.t === 'ready') {
      this.#dispatch({
        name: 'ready',
        returnWithinMs: returnWithinMs.safeParse(frame.returnWithinMs).data ?? 0,
      });
      this.#pull(null);
    } else if (frame.t === 'look') this.#pull(null);
    else if (frame.t === 'message') this.#take(frame.message);
    else if ('r' in frame && frame.r !== null) {
      this.#answers.get(frame.r)?.(frame);
      this.#answers.delete(frame.r);
    }
  }

  #take(
    message: Pick<Message, 'conversationId' | 'seq' | 'clientId' | 'ciphertext' | 'senderDeviceId'>,
  ): void {
    const held = this.held.get(message.conversationId);
    if (held === undefined || message.seq <= held.cursor) return;
    if (message.seq > held.cursor + 1) {
      this.#pull(message.conversationId);
      return;
    }
    held.cursor = message.seq;
    held.clientIds.push(message.clientId);
    const from = message.senderDeviceId;
    const at = Date.now();
    if (from !== this.deviceId) this.latencies.push({ at, ms: at - Number(message.ciphertext), from });
    this.#changed();
  }

  /** Of one conversation, or of all that the server has more of. */
  #pull(conversationId: string | null): void {
    if (conversationId === null) this.#lookAtAll = true;
    else this.#behind.add(conversationId);
    this.#pulling ??= this.#pullAll().then(
      () => {
        this.#pulling = null;
        this.#dispatch({ name: 'caught_up' });
      },
      () => {
        this.#pulling = null;
        this.#timer = setTimeout(() => this.#pull(null), 500);
      },
    );
  }

  async #pullAll(): Promise<void> {
    while (this.#lookAtAll || this.#behind.size > 0) {
      if (this.#lookAtAll) {
        this.#lookAtAll = false;
        const { conversations } = await this.api.sync.state.query({ marksSince: 0 });
        for (const { conversationId, lastSeq } of conversations)
          if ((this.held.get(conversationId)?.cursor ?? lastSeq) < lastSeq) this.#behind.add(conversationId);
      }
      for (const conversationId of this.#behind) {
        this.#behind.delete(conversationId);
        const held = this.held.get(conversationId);
        if (held === undefined) continue;
        const { messages, lastSeq } = await this.api.messages.pull.query({
          conversationId,
          after: held.cursor,
          limit: 200,
        });
        for (const message of messages) this.#take(message);
        if (held.cursor < lastSeq) this.#behind.add(conversationId);
      }
    }
  }

  #changed(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}

/** A group of devices of different people, who have all accepted. @returns its id */
export async function leanGroup(devices: readonly LeanDevice[]): Promise<string> {
  const [owner, ...members] = devices;
  if (owner === undefined) throw new Error('A group needs somebody.');
  const conversationId = randomUUID();
  await owner.api.conversations.create.mutate({
    conversationId,
    kind: 'group',
    memberIds: members.map((member) => member.userId),
  });
  for (const member of members) await member.api.conversations.accept.mutate({ conversationId });
  const [conversation] = await owner.api.conversations.get.query({ conversationIds: [conversationId] });
  const rosterVersion = conversation?.rosterVersion ?? 1;
  for (const device of devices) device.held.set(conversationId, { rosterVersion, cursor: 0, clientIds: [] });
  return conversationId;
}
