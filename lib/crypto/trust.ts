import {
  type Device,
  DeviceId,
  LocalTrust,
  type OlmMachine,
  type OtherUserIdentity,
  OwnUserIdentity,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { parsePublicKey, parseSignatures, withSignatures } from './json';
import { matrixUser, userOf } from './names';
import { isSaidBy } from './revocation';
import type {
  IdentityNews,
  KnownIdentity,
  Revocation,
  TrustLedger,
  TrustNews,
  UserKeys,
  Withheld,
} from './types';

export interface KnownDevice {
  /** Base64; undefined for a device that is not listed. */
  identityKey: string | undefined;
  signingKey: string | undefined;
  /** Whether its owner has. */
  signed: boolean;
}

/**
 * Who is believed, whatever the server tells. The ledger outlives what the server says: an identity counts once it
 * was seen first or approved by a person, a revocation for ever.
 *
 * A device gets keys if it is not on its owner's revocation list, its owner has signed it, and the owner's identity is
 * the one known. With the library's strategy `onlyTrustedDevices` the rest get none; its other strategies hand keys
 * to ghosts, to a swapped identity, or to a device that comes back after it was shut out.
 */
export class Trust {
  readonly #identities = new Map<string, KnownIdentity>();
  readonly #revocations = new Map<string, Revocation>();
  /** Devices that the machine knows before the server lists them: this one, and those it is about to sign. */
  readonly #unlisted = new Set<string>();
  /** Of devices that were asked for since the server last told of any: a history asks for the same ones again and again. */
  readonly #devices = new Map<string, KnownDevice>();
  /**
   * Sessions whose messages are opened without the library's opinion of their sender, and compared with the identity key
   * of the sender's device: those that it took for an unknown sender's, and those that are in memory; likewise until the
   * server tells of devices.
   */
  readonly byKey = new Set<string>();
  /** Another after each change of what is known of anybody: what was decided by an older one is to be looked at anew. */
  version = 0;
  /** How often the server has told of devices: whom the library believed before, it may not believe now. */
  tellings = 0;
  /** The identity that the server tells of this account, if it is not the one that it has. */
  #ownToldAs: string | null = null;
  /** Told by the server in answers that the machine has not been asked about yet. */
  #told: { userId: string; devicesBefore: string[]; user: UserKeys }[] = [];

  private constructor(
    private readonly olm: OlmMachine,
    readonly userId: string,
    private readonly ledger: TrustLedger,
  ) {}

  static async open(olm: OlmMachine, userId: string, ledger: TrustLedger): Promise<Trust> {
    const trust = new Trust(olm, userId, ledger);
    trust.#unlisted.add(olm.deviceId.toString());
    await trust.readLedger();
    return trust;
  }

  /** What stands in the ledger counts, whoever has written it there. */
  async readLedger(): Promise<void> {
    const { identities, revocations } = await this.ledger.load();
    for (const known of identities) this.#identities.set(known.userId, known);
    for (const said of revocations) this.#revocations.set(said.deviceId, said);
    this.version += 1;
  }

  /**
   * What the server tells of a user, before the machine hears it; the machine also gets this account's own signature
   * on a verified identity, which the server does not have. Another identity of this account the machine must not hear:
   * it would drop the private keys for it. It goes on with the one that it has, and the person is told.
   */
  async told(user: UserKeys): Promise<UserKeys> {
    const known = this.#identities.get(user.userId);
    const masterKey = user.masterKey && parsePublicKey(JSON.stringify(user.masterKey));
    const foreign = user.userId === this.userId && known && masterKey && masterKey !== known.masterKey;
    if (user.userId === this.userId) this.#ownToldAs = foreign ? masterKey : null;
    const devicesBefore = await this.#deviceIds(user.userId);
    this.#told.push({ userId: user.userId, devicesBefore, user });
    this.version += 1;
    this.tellings += 1;
    this.#devices.clear();
    this.byKey.clear();
    if (foreign) return { ...user, masterKey: null, selfSigningKey: null, userSigningKey: null };
    if (!known?.verification || !user.masterKey || masterKey !== known.masterKey) return user;
    const own = { signatures: { [matrixUser(this.userId)]: known.verification } };
    return { ...user, masterKey: withSignatures(user.masterKey, own) };
  }

  /** Once the machine has heard what was told: what is new in it goes to the ledger. */
  async settle(): Promise<void> {
    const told = this.#told;
    this.#told = [];
    if (told.length > 0) this.version += 1;
    const news: TrustNews = { identities: [], revocations: [], lies: [] };
    for (const { userId, user, devicesBefore } of told) {
      const seen = await this.#look(userId);
      if (seen) news.identities.push(seen);
      news.revocations.push(...(await this.#believe(userId, user.revocations)));
      const listed = new Set(user.devices.map((device) => device.deviceId));
      for (const deviceId of listed) {
        if (this.#revocations.has(deviceId)) news.lies.push({ kind: 'relisted', userId, deviceId });
        else if (await this.#isUnsigned(userId, deviceId))
          news.lies.push({ kind: 'unsigned', userId, deviceId });
      }
      for (const deviceId of devicesBefore) {
        if (!listed.has(deviceId) && !this.#revocations.has(deviceId) && !this.#unlisted.has(deviceId))
          news.lies.push({ kind: 'withheld', userId, deviceId });
      }
    }
    if (news.identities.length + news.revocations.length + news.lies.length > 0)
      await this.ledger.learned(news);
  }

  /** @returns what a person or the ledger should know: an identity seen first, or one that is not the known one */
  async #look(userId: string): Promise<IdentityNews | null> {
    const identity = await this.olm.getIdentity(userOf(userId));
    if (!identity) return null;
    try {
      const current = parsePublicKey(identity.masterKey);
      if (current === undefined) return null;
      const known = this.#identities.get(userId);
      if (!known) {
        const first = { userId, masterKey: current, verification: null };
        this.#identities.set(userId, first);
        this.version += 1;
        return { ...first, changedTo: null };
      }
      if (known.masterKey !== current) return { ...known, changedTo: current };
      if (identity instanceof OwnUserIdentity) return { ...known, changedTo: this.#ownToldAs };
      await settlePin(identity, known);
      return { ...known, changedTo: null };
    } finally {
      identity.free();
    }
  }

  /** @returns those that are new and truly said by their owner */
  async #believe(userId: string, said: Omit<Revocation, 'userId'>[]): Promise<Revocation[]> {
    const masterKey = this.#identities.get(userId)?.masterKey;
    const fresh: Revocation[] = [];
    for (const { deviceId, at, signature } of said) {
      const revocation = { userId, deviceId, at, signature };
      if (masterKey === undefined || this.#revocations.has(deviceId)) continue;
      if (!(await isSaidBy(masterKey, revocation))) continue;
      this.#revocations.set(deviceId, revocation);
      this.version += 1;
      fresh.push(revocation);
    }
    return fresh;
  }

  /** Told by the owner's device itself. What is not signed is passed over. */
  async learnRevocations(userId: string, said: Omit<Revocation, 'userId'>[]): Promise<void> {
    const revocations = await this.#believe(userId, said);
    if (revocations.length > 0) await this.ledger.learned({ identities: [], revocations, lies: [] });
  }

  /** A device that joins is known here before it is listed. */
  expect(deviceId: string): void {
    this.#unlisted.add(deviceId);
  }

  revocationOf(userId: string, deviceId: string): Revocation | undefined {
    const said = this.#revocations.get(deviceId);
    return said?.userId === userId ? said : undefined;
  }

  async deviceOf(userId: string, deviceId: string): Promise<KnownDevice> {
    const name = `${userId} ${deviceId}`;
    const seen = this.#devices.get(name);
    if (seen) return seen;
    const device = await this.olm.getDevice(userOf(userId), new DeviceId(deviceId));
    const known = {
      identityKey: device?.curve25519Key?.toBase64(),
      signingKey: device?.ed25519Key?.toBase64(),
      signed: device?.isCrossSignedByOwner() ?? false,
    };
    device?.free();
    this.#devices.set(name, known);
    return known;
  }

  /**
   * A person has looked at this identity and takes it from now on; with `verify` they have compared the number.
   * @returns `null` when the server tells another one now: nothing has changed
   */
  async approve(userId: string, masterKey: string, verify: boolean): Promise<KnownIdentity | null> {
    const identity = await this.olm.getIdentity(userOf(userId));
    if (!identity) return null;
    try {
      if (identity instanceof OwnUserIdentity || parsePublicKey(identity.masterKey) !== masterKey)
        return null;
      const known: KnownIdentity = { userId, masterKey, verification: null };
      if (verify) {
        const signed = parseSignatures((await identity.verify()).body)[matrixUser(userId)] ?? {};
        const [key] = Object.values(signed);
        known.verification = withSignatures({}, key).signatures[matrixUser(this.userId)] ?? null;
      }
      await this.adopt(known);
      return known;
    } finally {
      identity.free();
    }
  }

  /** As another device of one's own has told, or this one has just decided. */
  async adopt(known: KnownIdentity): Promise<void> {
    this.#identities.set(known.userId, known);
    this.version += 1;
    const seen = await this.#look(known.userId);
    await this.ledger.learned({
      identities: [seen ?? { ...known, changedTo: null }],
      revocations: [],
      lies: [],
    });
  }

  /** Marks the devices of these users before a share. @returns who may have keys, who not, and whose identity has changed */
  async mark(
    userIds: string[],
  ): Promise<{ trusted: Map<string, string[]>; withheld: Withheld[]; identityChanged: string[] }> {
    const trusted = new Map<string, string[]>();
    const withheld: Withheld[] = [];
    const identityChanged: string[] = [];
    for (const userId of userIds) {
      const state = await this.#stateOf(userId);
      if (state === 'changed') identityChanged.push(userId);
      const devices = await this.olm.getUserDevices(userOf(userId));
      for (const device of devices.devices()) {
        const deviceId = device.deviceId.toString();
        const isSelf = userId === this.userId && deviceId === this.olm.deviceId.toString();
        if (!isSelf) {
          const wanted = this.#trustOf(device, userId, state === 'known');
          if (device.localTrustState !== wanted) await device.setLocalTrust(wanted);
          if (wanted === LocalTrust.BlackListed) withheld.push({ userId, deviceId, reason: 'revoked' });
          else if (wanted === LocalTrust.Unset) withheld.push({ userId, deviceId, reason: 'unsigned' });
          else trusted.set(userId, [...(trusted.get(userId) ?? []), deviceId]);
        }
        device.free();
      }
      devices.free();
    }
    return { trusted, withheld, identityChanged };
  }

  #trustOf(device: Device, userId: string, known: boolean): LocalTrust {
    if (this.revocationOf(userId, device.deviceId.toString())) return LocalTrust.BlackListed;
    return known && device.isCrossSignedByOwner() ? LocalTrust.Verified : LocalTrust.Unset;
  }

  async #stateOf(userId: string): Promise<'known' | 'none' | 'changed'> {
    const identity = await this.olm.getIdentity(userOf(userId));
    if (!identity) return 'none';
    try {
      const known = this.#identities.get(userId);
      if (!known) return 'none';
      if (parsePublicKey(identity.masterKey) !== known.masterKey) return 'changed';
      if (identity instanceof OwnUserIdentity) return identity.isVerified() ? 'known' : 'none';
      return identity.identityNeedsUserApproval() || identity.hasVerificationViolation()
        ? 'changed'
        : 'known';
    } finally {
      identity.free();
    }
  }

  async #deviceIds(userId: string): Promise<string[]> {
    const devices = await this.olm.getUserDevices(userOf(userId));
    const ids = devices.keys().map((id) => id.toString());
    devices.free();
    return ids;
  }

  async #isUnsigned(userId: string, deviceId: string): Promise<boolean> {
    const devices = await this.olm.getUserDevices(userOf(userId));
    const device = devices.get(new DeviceId(deviceId));
    // One that the library did not take at all carries no valid signature of its own.
    const unsigned = device === undefined || !device.isCrossSignedByOwner();
    // Unfreed, they would keep the store open after it is closed.
    device?.free();
    devices.free();
    return unsigned && !(userId === this.userId && deviceId === this.olm.deviceId.toString());
  }
}

/** The library keeps pins of its own: they follow the ledger. */
async function settlePin(identity: OtherUserIdentity, known: KnownIdentity): Promise<void> {
  if (identity.identityNeedsUserApproval()) await identity.pinCurrentMasterKey();
  if (known.verification === null && identity.wasPreviouslyVerified()) await identity.withdrawVerification();
}
