import {
  DeviceId,
  DeviceLists,
  initAsync,
  KeysUploadRequest,
  OlmMachine,
  OwnUserIdentity,
  ProcessedToDeviceEventType,
  RequestType,
  SecretsBundle,
  StoreHandle,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { createBackup, importPage, nextPage, pageStored, resumeBackup, type SealedPage } from './backup';
import {
  parseEvent,
  parsePublicKey,
  parseSignatures,
  parseSigningKeys,
  parseToDevice,
  parseUpload,
  withSignatures,
} from './json';
import { matrixUser, ourConversation, ourUser, roomOf, userOf } from './names';
import { onePerSender, settings, statusOf, trustRequirement } from './policy';
import { claim, pump, uploadAnswer } from './pump';
import { markTrust } from './trust';
import type {
  AccountSecrets,
  CryptoMachine,
  DeviceKeys,
  IncomingEnvelope,
  KeyTransport,
  OpenResult,
  OutgoingEnvelope,
  PreKeyState,
  Received,
  Sealed,
  SealedMessage,
  Sealing,
  SignedKey,
  SignUpKeys,
} from './types';
import { IdentityMismatch } from './types';

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
  return new Machine(userId, deviceId, olm, options.transport);
}

class Machine implements CryptoMachine {
  /** One call at a time: the library's objects do not bear two. */
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #newKeys = new Set<string>();
  /** Senders of old messages whose keys were asked for in this run. As many as there are contacts. */
  readonly #asked = new Set<string>();
  /** What the server has of this device's prekeys. The library takes a count that is not told for none. */
  #preKeys: PreKeyState = { oneTimeKeyCount: 50, hasUnusedFallbackKey: true };
  private readonly transport: KeyTransport;
  /** Requests of the account's making, until the server has them. */
  #creating: { uploadId: string; signaturesId: string | undefined } | null = null;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly olm: OlmMachine,
    transport: KeyTransport,
  ) {
    this.transport = {
      ...transport,
      upload: async (keys) => {
        const answer = await transport.upload(keys);
        const uploadedFallback = Object.keys(keys.fallbackKeys).length > 0;
        this.#preKeys = {
          oneTimeKeyCount: answer.oneTimeKeyCount,
          hasUnusedFallbackKey: this.#preKeys.hasUnusedFallbackKey || uploadedFallback,
        };
        return answer;
      },
    };
    olm.registerRoomKeyUpdatedCallback(async (infos) => {
      for (const info of infos) this.#newKeys.add(ourConversation(info.roomId.toString()));
    });
  }

  createAccount(): Promise<SignUpKeys> {
    return this.#next(async () => {
      // A count of none and no fallback key: so that the first upload carries both.
      this.#preKeys = { oneTimeKeyCount: 0, hasUnusedFallbackKey: false };
      await this.#sync([], []);
      const requests = await this.olm.bootstrapCrossSigning(true);
      await createBackup(this.olm);
      const upload: { id: string; body: string } = requests.uploadKeysRequest;
      const made = parseUpload(upload.body);
      const signing = parseSigningKeys(requests.uploadSigningKeysRequest.body);
      const signed = parseSignatures(requests.uploadSignaturesRequest.body)[matrixUser(this.userId)] ?? {};
      this.#creating = { uploadId: upload.id, signaturesId: requests.uploadSignaturesRequest.id };
      const masterName = Object.keys(signed).find((name) => name !== this.deviceId);
      return {
        deviceKeys: withSignatures(made.device_keys ?? {}, signed[this.deviceId]),
        oneTimeKeys: made.one_time_keys ?? {},
        fallbackKeys: made.fallback_keys ?? {},
        masterKey: withSignatures(signing.master_key, masterName ? signed[masterName] : undefined),
        selfSigningKey: signing.self_signing_key,
        userSigningKey: signing.user_signing_key,
      };
    });
  }

  createDevice(): Promise<DeviceKeys> {
    return this.#next(async () => {
      this.#preKeys = { oneTimeKeyCount: 0, hasUnusedFallbackKey: false };
      await this.#sync([], []);
      const request = (await this.olm.outgoingRequests()).find((one) => one instanceof KeysUploadRequest);
      if (!request) throw new Error('the machine has keys already');
      const made = parseUpload(request.body);
      this.#creating = { uploadId: request.id, signaturesId: undefined };
      return {
        deviceKeys: made.device_keys ?? {},
        oneTimeKeys: made.one_time_keys ?? {},
        fallbackKeys: made.fallback_keys ?? {},
      };
    });
  }

  accountCreated(oneTimeKeyCount: number): Promise<void> {
    return this.#next(async () => {
      this.#preKeys = { oneTimeKeyCount, hasUnusedFallbackKey: true };
      if (!this.#creating) return;
      const { uploadId, signaturesId } = this.#creating;
      await this.olm.markRequestAsSent(uploadId, RequestType.KeysUpload, uploadAnswer(oneTimeKeyCount));
      if (signaturesId) {
        await this.olm.markRequestAsSent(signaturesId, RequestType.SignatureUpload, '{"failures":{}}');
      }
      this.#creating = null;
    });
  }

  receive(envelopes: IncomingEnvelope[], preKeys: PreKeyState | null): Promise<Received> {
    return this.#next(async () => {
      if (preKeys) this.#preKeys = preKeys;
      // A key is bound to its sender's device as known when it comes: so their lists are fetched first.
      const senders = [...new Set(envelopes.map((envelope) => envelope.senderUserId))];
      if (senders.length > 0) {
        await this.olm.updateTrackedUsers(senders.map(userOf));
        await pump(this.olm, this.transport);
      }
      let unopened = 0;
      for (const round of onePerSender(envelopes)) unopened += await this.#sync(round, []);
      await pump(this.olm, this.transport);
      // Kept until they are told: a call that the network failed has stored its keys all the same.
      const newKeysFor = [...this.#newKeys];
      this.#newKeys.clear();
      return { newKeysFor, unopened };
    });
  }

  seal({ conversationId, recipientUserIds, plaintext, rotate }: Sealing): Promise<Sealed> {
    return this.#next(async () => {
      const { olm, transport } = this;
      const users = () => recipientUserIds.map(userOf);
      await olm.updateTrackedUsers(users());
      await pump(olm, transport);
      const missing = await olm.getMissingSessions(users());
      const keyless = missing ? await claim(olm, missing, transport) : [];
      const trust = await markTrust(olm, recipientUserIds);
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
      const noSession = keyless.map((device) => ({ ...device, reason: 'no_session' as const }));
      return {
        ciphertext,
        // A notice that a key is withheld tells its reader nothing that the missing key does not.
        envelopes: envelopes.filter((envelope) => envelope.type === 'm.room.encrypted'),
        shareIds: requests.map((request) => request.id),
        withheld: [...trust.withheld, ...noSession],
        identityChanged: trust.identityChanged,
      };
    });
  }

  shared(shareIds: string[]): Promise<void> {
    return this.#next(async () => {
      for (const id of shareIds) await this.olm.markRequestAsSent(id, RequestType.ToDevice, '{}');
    });
  }

  refresh(userIds: string[]): Promise<void> {
    return this.#next(async () => {
      await this.#sync([], userIds);
      await pump(this.olm, this.transport);
    });
  }

  signDevice(deviceKeys: SignedKey): Promise<SignedKey> {
    return this.#next(async () => {
      await this.#askFor([this.userId], deviceKeys);
      const device = await this.olm.getDevice(
        userOf(this.userId),
        new DeviceId(String(deviceKeys.device_id)),
      );
      if (!device) throw new Error('the device is not known');
      const signed = parseSignatures((await device.verify()).body)[matrixUser(this.userId)] ?? {};
      return withSignatures(deviceKeys, signed[String(deviceKeys.device_id)]);
    });
  }

  exportSecrets(): Promise<AccountSecrets> {
    return this.#next(async () => {
      const bundle = await await this.olm.exportSecretsBundle();
      return { bundle: bundle.to_json(), masterKey: await this.#masterKey() };
    });
  }

  adoptSecrets({ bundle, masterKey }: AccountSecrets): Promise<void> {
    return this.#next(async () => {
      await this.#askFor([this.userId], null);
      if ((await this.#masterKey()) !== masterKey) throw new IdentityMismatch();
      await this.olm.importSecretsBundle(SecretsBundle.from_json(bundle));
      const identity = await this.olm.getIdentity(userOf(this.userId));
      if (!(identity instanceof OwnUserIdentity)) throw new IdentityMismatch();
      await identity.verify();
      await resumeBackup(this.olm);
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

  open(message: SealedMessage): Promise<OpenResult> {
    return this.#next(async () => {
      const content = parseJson(message.ciphertext);
      if (content === undefined) return { status: 'invalid' };
      const event = {
        type: 'm.room.encrypted',
        event_id: `$${message.messageId}`,
        room_id: roomOf(message.conversationId).toString(),
        sender: matrixUser(message.senderUserId),
        origin_server_ts: message.at,
        content,
        unsigned: {},
      };
      try {
        const opened = await this.olm.decryptRoomEvent(
          JSON.stringify(event),
          roomOf(message.conversationId),
          trustRequirement(),
        );
        const sender = ourUser(opened.sender.toString());
        const device = opened.senderDevice?.toString();
        const believed =
          device === undefined
            ? await this.#isKeyOf(message, opened.senderCurve25519Key)
            : device === message.senderDeviceId;
        if (sender !== message.senderUserId || !believed) return { status: 'untrusted' };
        const parsed = parseEvent(opened.event);
        return parsed.success
          ? { status: 'ok', plaintext: parsed.data.content.plaintext }
          : { status: 'invalid' };
      } catch (error) {
        return { status: statusOf(error) };
      }
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#next(async () => {
      this.#closed = true;
      this.olm.close();
    });
  }

  /**
   * A key from the backup tells no device, only its identity key: this must be that of the sender's device. One that
   * is listed no more cannot be compared; that the key is from a device of one's own must do.
   */
  async #isKeyOf({ senderUserId, senderDeviceId }: SealedMessage, identityKey: string): Promise<boolean> {
    if (!this.#asked.has(senderUserId)) {
      await this.olm.updateTrackedUsers([userOf(senderUserId)]);
      await pump(this.olm, this.transport);
      this.#asked.add(senderUserId);
    }
    const device = await this.olm.getDevice(userOf(senderUserId), new DeviceId(senderDeviceId));
    const known = device?.curve25519Key?.toBase64();
    device?.free();
    return known === undefined || known === identityKey;
  }

  /** Asks for the keys of users anew. @param pending a device of one's own that the server does not list yet */
  async #askFor(userIds: string[], pending: SignedKey | null): Promise<void> {
    await this.olm.updateTrackedUsers(userIds.map(userOf));
    await this.#sync([], userIds);
    await pump(this.olm, this.transport, pending);
  }

  async #masterKey(): Promise<string> {
    const identity = await this.olm.getIdentity(userOf(this.userId));
    if (!(identity instanceof OwnUserIdentity)) throw new IdentityMismatch();
    const key = parsePublicKey(identity.masterKey);
    identity.free();
    if (key === undefined) throw new IdentityMismatch();
    return key;
  }

  /** @returns how many envelopes could not be opened */
  async #sync(envelopes: IncomingEnvelope[], changedUserIds: string[]): Promise<number> {
    const events = envelopes.flatMap((envelope) => {
      const content = parseJson(envelope.content);
      return content === undefined
        ? []
        : [{ type: envelope.type, sender: matrixUser(envelope.senderUserId), content }];
    });
    const processed = await this.olm.receiveSyncChanges(
      JSON.stringify(events),
      new DeviceLists(changedUserIds.map(userOf), []),
      new Map([['signed_curve25519', this.#preKeys.oneTimeKeyCount]]),
      new Set(this.#preKeys.hasUnusedFallbackKey ? ['signed_curve25519'] : []),
      trustRequirement(),
    );
    return processed.filter((event) => event.type !== ProcessedToDeviceEventType.Decrypted).length;
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

function parseJson(text: string): SignedKey | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    // Whoever made it, it is no ciphertext: the caller says so.
    return undefined;
  }
}
