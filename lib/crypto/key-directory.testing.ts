import { randomUUID } from 'node:crypto';
import { openMachine } from './machine';
import type {
  CryptoMachine,
  DeviceKeys,
  IncomingEnvelope,
  KeyTransport,
  Revocation,
  Sealed,
  SignedKey,
  SignUpKeys,
  TrustLedger,
  TrustNews,
  UserKeys,
} from './types';

interface Entry {
  userId: string;
  deviceId: string;
  keys: SignUpKeys;
  oneTimeKeys: Map<string, SignedKey>;
  inbox: IncomingEnvelope[];
}

/** The keys of a few devices and their envelopes, for tests of the machine alone. */
export class KeyDirectory {
  readonly entries: Entry[] = [];
  /** A lying server changes what is told. */
  lie: (user: UserKeys) => UserKeys = (user) => user;
  failing = false;
  readonly revocations: Revocation[] = [];
  /** What the machines were told to keep, by device. */
  readonly news = new Map<string, TrustNews[]>();
  readonly #made = new Map<string, DeviceKeys>();

  transport(deviceId: () => string): KeyTransport {
    const check = () => {
      if (this.failing) throw new Error('no network');
    };
    return {
      upload: async ({ oneTimeKeys }) => {
        check();
        const entry = this.entry(deviceId());
        for (const [id, key] of Object.entries(oneTimeKeys)) entry.oneTimeKeys.set(id, key);
        return { oneTimeKeyCount: entry.oneTimeKeys.size };
      },
      keys: async (userIds) => {
        check();
        return userIds.flatMap((userId) => {
          const devices = this.entries.filter((entry) => entry.userId === userId);
          const [first] = devices;
          if (!first) return [];
          const { masterKey, selfSigningKey, userSigningKey } = first.keys;
          return [
            this.lie({
              userId,
              masterKey,
              selfSigningKey,
              userSigningKey,
              devices: devices.map((entry) => ({
                deviceId: entry.deviceId,
                deviceKeys: entry.keys.deviceKeys,
              })),
              revocations: this.revocations.filter((said) => said.userId === userId),
            }),
          ];
        });
      },
      bundles: async (devices) => {
        check();
        return devices.flatMap(({ userId, deviceId }) => {
          const entry = this.entries.find((one) => one.deviceId === deviceId);
          if (!entry) return [];
          const [id] = entry.oneTimeKeys.keys();
          const [keyId, key] =
            id === undefined
              ? (Object.entries(entry.keys.fallbackKeys)[0] ?? [])
              : [id, entry.oneTimeKeys.get(id)];
          if (id !== undefined) entry.oneTimeKeys.delete(id);
          return keyId && key ? [{ userId, deviceId, keyId, key }] : [];
        });
      },
    };
  }

  /** What stands in every ledger when it is read. */
  written: Awaited<ReturnType<TrustLedger['load']>> = { identities: [], revocations: [] };

  ledger(deviceId: string): TrustLedger {
    const news: TrustNews[] = [];
    this.news.set(deviceId, news);
    return {
      load: async () => this.written,
      learned: async (one) => {
        news.push(one);
      },
    };
  }

  entry(deviceId: string): Entry {
    const entry = this.entries.find((one) => one.deviceId === deviceId);
    if (!entry) throw new Error('no such device');
    return entry;
  }

  /** A new account with its first device. */
  async join(
    userId: string = randomUUID(),
    store: { name: string; key: Uint8Array } | null = null,
  ): Promise<CryptoMachine> {
    const deviceId = randomUUID();
    const machine = await openMachine({
      userId,
      deviceId,
      store,
      transport: this.transport(() => deviceId),
      ledger: this.ledger(deviceId),
    });
    const keys = await machine.createAccount();
    this.entries.push({
      userId,
      deviceId,
      keys,
      oneTimeKeys: new Map(Object.entries(keys.oneTimeKeys)),
      inbox: [],
    });
    await machine.accountCreated(Object.keys(keys.oneTimeKeys).length);
    return machine;
  }

  async #newDevice(userId: string): Promise<CryptoMachine> {
    const deviceId = randomUUID();
    const transport = this.transport(() => deviceId);
    const machine = await openMachine({
      userId,
      deviceId,
      store: null,
      transport,
      ledger: this.ledger(deviceId),
    });
    this.#made.set(deviceId, await machine.createDevice());
    return machine;
  }

  /** A further device of an account, signed by one that it has, and with its secrets. @param meanwhile before these */
  async link(owner: CryptoMachine, meanwhile?: () => void): Promise<CryptoMachine> {
    const machine = await this.#newDevice(owner.userId);
    const { deviceId, userId } = machine;
    const made = this.#made.get(deviceId);
    if (!made) throw new Error('no keys were made');
    const deviceKeys = await owner.signDevice(made.deviceKeys);
    const { masterKey, selfSigningKey, userSigningKey } = this.entry(owner.deviceId).keys;
    this.entries.push({
      userId,
      deviceId,
      keys: { ...made, deviceKeys, masterKey, selfSigningKey, userSigningKey },
      oneTimeKeys: new Map(Object.entries(made.oneTimeKeys)),
      inbox: [],
    });
    await machine.accountCreated(Object.keys(made.oneTimeKeys).length);
    await owner.refresh([userId]);
    meanwhile?.();
    await machine.adoptSecrets(await owner.exportSecrets());
    return machine;
  }

  /** Delivers what a sealing made. */
  deliver(sender: CryptoMachine, sealed: Sealed): void {
    for (const { recipientDeviceId, type, content } of sealed.envelopes) {
      const envelope = { senderUserId: sender.userId, senderDeviceId: sender.deviceId, type, content };
      this.entries.find((entry) => entry.deviceId === recipientDeviceId)?.inbox.push(envelope);
    }
  }

  /** Feeds a device what waits for it. */
  async fetch(machine: CryptoMachine): Promise<string[]> {
    const entry = this.entry(machine.deviceId);
    const envelopes = entry.inbox.splice(0);
    const preKeys = { oneTimeKeyCount: entry.oneTimeKeys.size, hasUnusedFallbackKey: true };
    return (await machine.receive(envelopes, preKeys)).newKeysFor;
  }
}
