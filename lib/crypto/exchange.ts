import { DecryptedToDeviceEvent, DeviceLists, type OlmMachine } from '@matrix-org/matrix-sdk-crypto-wasm';
import { parseObject } from './json';
import { matrixUser, userOf } from './names';
import { trustRequirement } from './policy';
import { claim, pump } from './pump';
import type { Trust } from './trust';
import type { IncomingEnvelope, KeyTransport, PreKeyState, SignedKey, Withheld } from './types';

/** Who can be given keys now. */
interface Reach {
  /** Ids of devices. */
  reached: string[];
  withheld: Withheld[];
  unreached: string[];
  identityChanged: string[];
}

/** So many sets of recipients are remembered. */
const reachesKept = 100;

/** What a machine exchanges with the server: envelopes in, questions and uploads out. */
export class Exchange {
  /** What the server has of this device's prekeys. The library takes a count that is not told for none. */
  preKeys: PreKeyState = { oneTimeKeyCount: 50, hasUnusedFallbackKey: true };
  private readonly transport: KeyTransport;
  /**
   * Devices whose last claim brought no key. For a while the library neither asks for these again nor says that they
   * lack a session: what is encrypted then, they could never read. As many as there are devices of contacts.
   */
  readonly #sessionless = new Set<string>();

  /** Users whose device lists are followed. As many as there are contacts. */
  readonly #tracked = new Set<string>();
  /** By recipients: what was found when nothing that is known of anybody has changed since. */
  readonly #reached = new Map<string, { version: number; reach: Reach }>();
  /** Whether the machine had no more questions when it was last asked, and nothing has changed since. */
  #settled = false;

  constructor(
    private readonly userId: string,
    private readonly olm: OlmMachine,
    private readonly trust: Trust,
    transport: KeyTransport,
  ) {
    this.transport = {
      ...transport,
      upload: async (keys) => {
        const answer = await transport.upload(keys);
        const uploadedFallback = Object.keys(keys.fallbackKeys).length > 0;
        this.preKeys = {
          oneTimeKeyCount: answer.oneTimeKeyCount,
          hasUnusedFallbackKey: this.preKeys.hasUnusedFallbackKey || uploadedFallback,
        };
        return answer;
      },
      keys: async (userIds) => {
        const users = await transport.keys(userIds);
        return Promise.all(users.map((user) => trust.told(user)));
      },
    };
  }

  /** Asks for the keys of users anew. @param pending a device of one's own that the server does not list yet */
  async askFor(userIds: string[], pending: SignedKey | null): Promise<void> {
    await this.#track(userIds);
    await this.sync([], userIds);
    await this.pump(pending);
  }

  async pump(pending: SignedKey | null = null): Promise<void> {
    await pump(this.olm, this.transport, pending);
    await this.trust.settle();
    this.#settled = true;
  }

  /** What is to be known of these users is known afterwards; it costs nothing if it was so before. */
  async know(userIds: string[]): Promise<void> {
    await this.#track(userIds);
    if (!this.#settled) await this.pump();
  }

  async #track(userIds: string[]): Promise<void> {
    const fresh = userIds.filter((userId) => !this.#tracked.has(userId));
    if (fresh.length === 0) return;
    this.#settled = false;
    await this.olm.updateTrackedUsers(fresh.map(userOf));
    for (const userId of fresh) this.#tracked.add(userId);
  }

  /** Fetches what is needed to give keys to the devices of these users. @returns who gets some, who none, and why */
  async reach(userIds: string[]): Promise<Reach> {
    await this.know(userIds);
    const name = userIds.join(' ');
    const before = this.#reached.get(name);
    if (before?.version === this.trust.version) return before.reach;
    const version = this.trust.version;
    const reach = await this.#look(userIds);
    // One that had no session may have one the next time.
    if (reach.withheld.some((device) => device.reason === 'no_session')) return reach;
    if (this.#reached.size >= reachesKept) this.#reached.clear();
    this.#reached.set(name, { version, reach });
    return reach;
  }

  async #look(userIds: string[]): Promise<Reach> {
    const missing = await this.olm.getMissingSessions(userIds.map(userOf));
    if (missing) {
      const { reached, sessionless } = await claim(this.olm, missing, this.transport);
      for (const deviceId of reached) this.#sessionless.delete(deviceId);
      for (const deviceId of sessionless) this.#sessionless.add(deviceId);
    }
    const { trusted, withheld, identityChanged } = await this.trust.mark(userIds);
    const lacks = (deviceId: string) => this.#sessionless.has(deviceId);
    const noSession = [...trusted].flatMap(([userId, deviceIds]) =>
      deviceIds.filter(lacks).map((deviceId) => ({ userId, deviceId, reason: 'no_session' as const })),
    );
    const unreached = [...trusted]
      .filter(([userId, ids]) => userId !== this.userId && ids.every(lacks))
      .map(([userId]) => userId);
    const reached = [...trusted.values()].flat().filter((deviceId) => !lacks(deviceId));
    return { reached, withheld: [...withheld, ...noSession], unreached, identityChanged };
  }

  async sync(envelopes: IncomingEnvelope[], changedUserIds: string[]) {
    const events = envelopes.flatMap((envelope) => {
      const content = parseObject(envelope.content);
      return content === undefined
        ? []
        : [{ type: envelope.type, sender: matrixUser(envelope.senderUserId), content }];
    });
    this.#settled = false;
    const processed = await this.olm.receiveSyncChanges(
      JSON.stringify(events),
      new DeviceLists(changedUserIds.map(userOf), []),
      new Map([['signed_curve25519', this.preKeys.oneTimeKeyCount]]),
      new Set(this.preKeys.hasUnusedFallbackKey ? ['signed_curve25519'] : []),
      trustRequirement(),
    );
    const opened = processed.filter((event) => event instanceof DecryptedToDeviceEvent);
    // What could be opened came over a session.
    for (const { senderDeviceId } of opened.length === processed.length ? envelopes : [])
      this.#sessionless.delete(senderDeviceId);
    return { unopened: processed.length - opened.length };
  }
}
