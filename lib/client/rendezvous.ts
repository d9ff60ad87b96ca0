import type { Channel } from '../crypto/channel';
import { joinChannel, offerChannel } from '../crypto/channel';
import { commitmentOf, formatLinkCode, newRendezvousId, parseLinkCode } from '../protocol/link-code';
import { failureOf } from './api';
import type { Environment } from './environment';
import type { LinkFailure } from './link-state';

/** How often the mailbox is looked into: the other device answers at once, a person takes a while. */
const firstPollMs = 40;
const longestPollMs = 250;
const pollGrowth = 1.2;
const leaveTries = 3;
const greeting = 'aparte link 1';

/** Ends a linking; `reason` says why. */
export class LinkError extends Error {
  constructor(readonly reason: LinkFailure) {
    super(reason);
  }
}

/** The way to the other device of a linking: JSON messages over an encrypted channel, through two mailboxes. */
export class Rendezvous {
  #sent: number;
  #read: number;
  readonly checkCode: string;

  private constructor(
    private readonly environment: Environment,
    private readonly place: { rendezvousId: string; token: string; expiresAt: number },
    private readonly channel: Channel,
    /** Whether a person has ended it here. */
    private readonly cancelled: () => boolean,
    counts: { sent: number; read: number },
  ) {
    this.checkCode = channel.checkCode;
    this.#sent = counts.sent;
    this.#read = counts.read;
  }

  get expiresAt(): number {
    return this.place.expiresAt;
  }

  /** Shows a code and waits for the device that reads it. */
  static async show(
    environment: Environment,
    shownBy: 'old' | 'new',
    shown: (code: string, expiresAt: number) => Promise<void>,
    cancelled: () => boolean,
  ): Promise<Rendezvous> {
    const { api } = environment;
    const offer = await offerChannel();
    const token = environment.newSecret();
    const rendezvousId = newRendezvousId(environment.random);
    const { publicKey } = offer;
    const { expiresInMs } = await persist(environment, cancelled, () =>
      api.linking.open.mutate({ rendezvousId, publicKey, token }),
    );
    // By this device's own clock, however wrong that is.
    const expiresAt = environment.now() + expiresInMs;
    const place = { rendezvousId, token, expiresAt };
    try {
      const commitment = await commitmentOf(publicKey);
      await shown(formatLinkCode({ shownBy, rendezvousId, commitment }), expiresAt);
      const first = await nextMessage(environment, place, 0, cancelled);
      const { channel, plaintext } = accept(() => offer.accept(first));
      if (plaintext !== greeting) throw new LinkError('wrong_code');
      return new Rendezvous(environment, place, channel, cancelled, { sent: 0, read: 1 });
    } catch (error) {
      await leave(environment, place);
      throw error;
    }
  }

  /** Meets the device whose code was read. */
  static async join(
    environment: Environment,
    side: 'old' | 'new',
    typed: string,
    cancelled: () => boolean,
  ): Promise<Rendezvous> {
    const { api } = environment;
    const code = parseLinkCode(typed);
    if (!code) throw new LinkError('wrong_code');
    if (code.shownBy === side) throw new LinkError('same_side');
    const { rendezvousId } = code;
    const { publicKey, expiresInMs } = await persist(environment, cancelled, () =>
      api.linking.lookUp.query({ rendezvousId }),
    );
    const expiresAt = environment.now() + expiresInMs;
    // The server told the key; the code says which it must be.
    if ((await commitmentOf(publicKey)) !== code.commitment) throw new LinkError('wrong_code');
    const { channel, first } = await joinChannel(publicKey, greeting);
    const token = environment.newSecret();
    await persist(environment, cancelled, () =>
      api.linking.join.mutate({ rendezvousId, token, body: first }),
    );
    return new Rendezvous(environment, { rendezvousId, token, expiresAt }, channel, cancelled, {
      sent: 1,
      read: 0,
    });
  }

  async send(message: unknown): Promise<void> {
    const { rendezvousId, token } = this.place;
    const seq = ++this.#sent;
    const body = this.channel.seal(JSON.stringify(message));
    await persist(this.environment, this.cancelled, () =>
      this.environment.api.linking.post.mutate({ rendezvousId, token, seq, body }),
    );
  }

  /** The other side's next message. @throws LinkError */
  async receive(): Promise<unknown> {
    const body = await nextMessage(this.environment, this.place, this.#read, this.cancelled);
    this.#read += 1;
    return JSON.parse(accept(() => this.channel.open(body)));
  }

  /** @throws LinkError when the other side has left, or the time is over */
  async expectOpen(): Promise<void> {
    const { rendezvousId, token, expiresAt } = this.place;
    const news = await persist(this.environment, this.cancelled, () =>
      this.environment.api.linking.read.query({ rendezvousId, token, after: this.#read }),
    );
    if (news.closed) throw new LinkError('ended');
    if (this.environment.now() >= expiresAt) throw new LinkError('expired');
  }

  /** Does what needs the network, again and again while that is away. It must bear being done twice. */
  persist<T>(call: () => Promise<T>): Promise<T> {
    return persist(this.environment, this.cancelled, call);
  }

  leave(): Promise<void> {
    return leave(this.environment, this.place);
  }
}

/** What does not open was not made by the other device. */
function accept<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new LinkError(error instanceof LinkError ? error.reason : 'mismatch');
  }
}

async function nextMessage(
  environment: Environment,
  { rendezvousId, token, expiresAt }: { rendezvousId: string; token: string; expiresAt: number },
  after: number,
  cancelled: () => boolean,
): Promise<string> {
  for (let pollMs = firstPollMs; ; pollMs = Math.min(longestPollMs, pollMs * pollGrowth)) {
    const news = await persist(environment, cancelled, () =>
      environment.api.linking.read.query({ rendezvousId, token, after }),
    );
    const [next] = news.messages;
    if (next && next.seq === after + 1) return next.body;
    if (news.closed) throw new LinkError('ended');
    if (environment.now() >= expiresAt) throw new LinkError('expired');
    await wait(environment, pollMs);
  }
}

const wait = (environment: Environment, ms: number) =>
  new Promise<void>((resolve) => environment.after(ms, resolve));

/** Asks again while the network is away: the linking has its five minutes. @throws LinkError when it is cancelled */
async function persist<T>(
  environment: Environment,
  cancelled: () => boolean,
  call: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    if (cancelled()) throw new LinkError('cancelled');
    try {
      return await call();
    } catch (error) {
      const code = failureOf(error);
      const again = code === 'offline' || code === 'overloaded' || code === 'shutting_down';
      if (!again || tries >= 20) throw error;
      await wait(environment, 1_000);
    }
  }
}

/** Tells the other side that nothing more comes; if that cannot be told, the time limit does. */
async function leave(
  environment: Environment,
  place: { rendezvousId: string; token: string },
): Promise<void> {
  const { rendezvousId, token } = place;
  for (let left = leaveTries; left > 0; left--) {
    try {
      await environment.api.linking.leave.mutate({ rendezvousId, token });
      return;
    } catch (error) {
      environment.log('link', error);
      if (left > 1) await wait(environment, 1_000);
    }
  }
}
