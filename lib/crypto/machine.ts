import {
  CollectStrategy,
  DeviceId,
  initAsync,
  OlmMachine,
  RequestType,
  StoreHandle,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { adopt, type Creating, makeAccount, makeDevice, markMade, ownMasterKey, signKeys } from './account';
import {
  importPage,
  nextPage,
  openState,
  pageStored,
  resumeBackup,
  type SealedPage,
  sealState,
} from './backup';
import { Exchange } from './exchange';
import { parseToDevice } from './json';
import { ourConversation, ourUser, roomOf, userOf } from './names';
import { openMessage } from './opening';
import { onePerSender, settings } from './policy';
import { signRevocation } from './revocation';
import { Trust } from './trust';
import type {
  AccountSecrets,
  CryptoMachine,
  DeviceKeys,
  IncomingEnvelope,
  KeyTransport,
  KnownIdentity,
  OpenResult,
  OutgoingEnvelope,
  PreKeyState,
  Received,
  Revocation,
  Sealed,
  SealedMessage,
  Sealing,
  SignedKey,
  SignUpKeys,
  TrustLedger,
  Withheld,
} from './types';

const eventType = 'aparte.message';

/**
 * Opens the machine of a device, making it if the store is new.
 * @param store an IndexedDB database and the 32 bytes it is encrypted with; `null`: in memory
 */
export async function openMachine(options: {
  userId: string;
  deviceId: string;
  store: { name: string; key: Uint8Array } | null;
  transport: KeyTransport;
  ledger: TrustLedger;
  wasmUrl?: string | URL;
}): Promise<CryptoMachine> {
  await initAsync(options.wasmUrl);
  const { userId, deviceId, store } = options;
  const handle = store
    ? await StoreHandle.openWithKey(store.name, store.key)
    : await StoreHandle.open(null, null);
  const olm = await OlmMachine.initFromStore(userOf(userId), new DeviceId(deviceId), handle);
  // It shares the database's connection: unfreed, it would keep that open after `close`, and block its deletion.
  handle.free();
  await resumeBackup(olm);
  const trust = await Trust.open(olm, userId, options.ledger);
  return new Machine(userId, deviceId, olm, trust, new Exchange(userId, olm, trust, options.transport));
}

class Machine implements CryptoMachine {
  /** One call at a time: the library's objects do not bear two. */
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #newKeys = new Set<string>();
  /** Requests of the account's making, until the server has them. */
  #creating: Creating | null = null;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly olm: OlmMachine,
    private readonly trust: Trust,
    private readonly exchange: Exchange,
  ) {
    olm.registerRoomKeyUpdatedCallback(async (infos) => {
      for (const info of infos) this.#newKeys.add(ourConversation(info.roomId.toString()));
    });
  }

  createAccount(): Promise<SignUpKeys> {
    return this.#next(async () => {
      // A count of none and no fallback key: so that the first upload carries both.
      this.exchange.preKeys = { oneTimeKeyCount: 0, hasUnusedFallbackKey: false };
      await this.exchange.sync([], []);
      const { keys, creating } = await makeAccount(this.olm);
      this.#creating = creating;
      return keys;
    });
  }

  createDevice(): Promise<DeviceKeys> {
    return this.#next(async () => {
      this.exchange.preKeys = { oneTimeKeyCount: 0, hasUnusedFallbackKey: false };
      await this.exchange.sync([], []);
      const { keys, creating } = await makeDevice(this.olm);
      this.#creating = creating;
      return keys;
    });
  }

  accountCreated(oneTimeKeyCount: number): Promise<void> {
    return this.#next(async () => {
      this.exchange.preKeys = { oneTimeKeyCount, hasUnusedFallbackKey: true };
      if (!this.#creating) return;
      const { signaturesId } = this.#creating;
      await markMade(this.olm, this.#creating, oneTimeKeyCount);
      this.#creating = null;
      // Its own making, before the server has told any other.
      if (signaturesId) await this.#knowOwn();
    });
  }

  receive(envelopes: IncomingEnvelope[], preKeys: PreKeyState | null): Promise<Received> {
    return this.#next(async () => {
      if (preKeys) this.exchange.preKeys = preKeys;
      // A key is bound to its sender's device as known when it comes: so their lists are fetched first.
      const senders = [...new Set(envelopes.map((envelope) => envelope.senderUserId))];
      await this.exchange.know(senders);
      let unopened = 0;
      const notes: string[] = [];
      for (const round of onePerSender(envelopes)) {
        const fed = await this.exchange.sync(round, []);
        unopened += fed.unopened;
        notes.push(...fed.notes);
      }
      await this.exchange.pump();
      // Kept until they are told: a call that the network failed has stored its keys all the same.
      const newKeysFor = [...this.#newKeys];
      this.#newKeys.clear();
      return { newKeysFor, unopened, notes };
    });
  }

  seal({ conversationId, recipientUserIds, plaintext, rotate }: Sealing): Promise<Sealed> {
    return this.#next(async () => {
      const { olm } = this;
      const users = () => recipientUserIds.map(userOf);
      const trust = await this.exchange.reach(recipientUserIds);
      if (rotate) await olm.invalidateGroupSession(roomOf(conversationId));
      const requests = await olm.shareRoomKey(roomOf(conversationId), users(), settings());
      const envelopes: OutgoingEnvelope[] = [];
      for (const { event_type: type, body } of requests) {
        for (const [user, devices] of Object.entries(parseToDevice(body).messages)) {
          for (const [recipientDeviceId, content] of Object.entries(devices)) {
            const recipientUserId = ourUser(user);
            envelopes.push({ recipientUserId, recipientDeviceId, type, content: JSON.stringify(content) });
          }
        }
      }
      const ciphertext = await olm.encryptRoomEvent(
        roomOf(conversationId),
        eventType,
        JSON.stringify({ plaintext }),
      );
      return {
        ciphertext,
        // A notice that a key is withheld tells its reader nothing that the missing key does not.
        envelopes: envelopes.filter((envelope) => envelope.type === 'm.room.encrypted'),
        shareIds: requests.map((request) => request.id),
        withheld: trust.withheld,
        unreached: trust.unreached,
        identityChanged: trust.identityChanged,
      };
    });
  }

  sealNote(note: string): Promise<{ envelopes: OutgoingEnvelope[]; withheld: Withheld[] }> {
    return this.#next(async () => {
      const { withheld } = await this.exchange.reach([this.userId]);
      const out = new Set([this.deviceId, ...withheld.map((device) => device.deviceId)]);
      const envelopes: OutgoingEnvelope[] = [];
      const devices = await this.olm.getUserDevices(userOf(this.userId));
      for (const device of devices.devices()) {
        const recipientDeviceId = device.deviceId.toString();
        if (!out.has(recipientDeviceId)) {
          const only = CollectStrategy.onlyTrustedDevices();
          const content = await device.encryptToDeviceEvent('aparte.note', { note }, only);
          envelopes.push({
            recipientUserId: this.userId,
            recipientDeviceId,
            type: 'm.room.encrypted',
            content,
          });
        }
        device.free();
      }
      devices.free();
      return { envelopes, withheld };
    });
  }

  shared(shareIds: string[]): Promise<void> {
    return this.#next(async () => {
      for (const id of shareIds) await this.olm.markRequestAsSent(id, RequestType.ToDevice, '{}');
    });
  }

  refresh(userIds: string[]): Promise<void> {
    return this.#next(async () => {
      await this.exchange.sync([], userIds);
      await this.exchange.pump();
    });
  }

  signDevice(deviceKeys: SignedKey): Promise<SignedKey> {
    return this.#next(async () => {
      this.trust.expect(String(deviceKeys.device_id));
      await this.exchange.askFor([this.userId], deviceKeys);
      return signKeys(this.olm, deviceKeys);
    });
  }

  revokeDevice(deviceId: string, at: number): Promise<Revocation> {
    return this.#next(async () => {
      const masterKey = await ownMasterKey(this.olm);
      const said = await signRevocation(this.olm, masterKey, { userId: this.userId, deviceId, at });
      await this.trust.learnRevocations(this.userId, [said]);
      return said;
    });
  }

  learnRevocations(userId: string, revocations: Omit<Revocation, 'userId'>[]): Promise<void> {
    return this.#next(() => this.trust.learnRevocations(userId, revocations));
  }

  revocationOf(userId: string, deviceId: string): Revocation | undefined {
    return this.trust.revocationOf(userId, deviceId);
  }

  approveIdentity(userId: string, masterKey: string, verify: boolean): Promise<KnownIdentity | null> {
    return this.#next(async () => {
      const known = await this.trust.approve(userId, masterKey, verify);
      // The machine counts it as verified once it is told so by an answer that carries the signature.
      if (known?.verification) await this.exchange.askFor([userId], null);
      return known;
    });
  }

  learnIdentity(known: KnownIdentity): Promise<void> {
    return this.#next(async () => {
      await this.trust.adopt(known);
      if (known.verification) await this.exchange.askFor([known.userId], null);
    });
  }

  exportSecrets(): Promise<AccountSecrets> {
    return this.#next(async () => {
      const bundle = await await this.olm.exportSecretsBundle();
      return { bundle: bundle.to_json(), masterKey: await ownMasterKey(this.olm) };
    });
  }

  adoptSecrets(secrets: AccountSecrets): Promise<void> {
    return this.#next(async () => {
      await this.exchange.askFor([this.userId], null);
      await adopt(this.olm, secrets);
      await this.#knowOwn();
    });
  }

  nextBackupPage(pageId: string): Promise<SealedPage | null> {
    return this.#next(() => nextPage(this.olm, pageId));
  }

  backupPageStored(requestId: string): Promise<void> {
    return this.#next(() => pageStored(this.olm, requestId));
  }

  importBackupPage(page: string): Promise<string[]> {
    return this.#next(async () => (await importPage(this.olm, page)).map(ourConversation));
  }

  sealState(pageId: string, text: string): Promise<string | null> {
    return this.#next(() => sealState(this.olm, pageId, text));
  }

  openState(page: string): Promise<string | null> {
    return this.#next(() => openState(this.olm, page));
  }

  open(message: SealedMessage): Promise<OpenResult> {
    return this.#next(() => openMessage(this.olm, this.exchange, this.trust, message));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#next(async () => {
      this.#closed = true;
      this.olm.close();
    });
  }

  async #knowOwn(): Promise<void> {
    const masterKey = await ownMasterKey(this.olm);
    await this.trust.adopt({ userId: this.userId, masterKey, verification: null });
  }

  #next<T>(call: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(() => {
      if (this.#closed) throw new Error('the machine is closed');
      return call();
    });
    // The next call does not care how this one ended; its caller is told through `done`.
    this.#queue = done.catch(() => undefined);
    return done;
  }
}
