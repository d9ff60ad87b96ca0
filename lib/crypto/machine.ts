import { DeviceId, OlmMachine, RequestType, StoreHandle } from '@matrix-org/matrix-sdk-crypto-wasm';
import {
  adopt,
  type Creating,
  knowsAccount,
  makeAccount,
  makeDevice,
  markMade,
  ownMasterKey,
  signKeys,
} from './account';
import { Archive } from './archive';
import {
  exportKeysOf,
  importPage,
  nextPage,
  openState,
  pageStored,
  resumeBackup,
  type SealedPage,
  sealState,
} from './backup';
import { envelopesOf } from './envelopes';
import { Exchange } from './exchange';
import { parseExportedKeys } from './json';
import { loadCrypto } from './library';
import { notesOf, ourConversation, roomOf, userOf } from './names';
import { isNote, NoteReader, noteEnvelopes, withKey } from './note-envelope';
import { openMessages, recall } from './opening';
import { inRounds, settings } from './policy';
import { signRevocation } from './revocation';
import { SharedKeys } from './shared-keys';
import { Trust } from './trust';
import type {
  AccountSecrets,
  CryptoMachine,
  DeviceKeys,
  IncomingEnvelope,
  KeyTransport,
  KnownIdentity,
  OpenResult,
  PreKeyState,
  Received,
  Revocation,
  Sealed,
  SealedMessage,
  SealedNote,
  Sealing,
  SignedKey,
  SignUpKeys,
  TrustLedger,
} from './types';

const eventType = 'aparte.message';
/** Between so many, others have their turn: a message that is sent or arrives does not wait for a history. */
const openedPerTurn = 25;

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
}): Promise<CryptoMachine> {
  await loadCrypto();
  const { userId, deviceId, store } = options;
  const handle = store
    ? await StoreHandle.openWithKey(store.name, store.key)
    : await StoreHandle.open(null, null);
  const opening = OlmMachine.initFromStore(userOf(userId), new DeviceId(deviceId), handle);
  // It shares the database's connection: unfreed, it would keep that open after `close`, and block its deletion.
  const olm = await opening.finally(() => handle.free());
  try {
    await resumeBackup(olm);
    const trust = await Trust.open(olm, userId, options.ledger);
    return new Machine(userId, deviceId, olm, trust, new Exchange(userId, olm, trust, options.transport));
  } catch (error) {
    olm.close();
    throw error;
  }
}

class Machine implements CryptoMachine {
  /** One call at a time: the library's objects do not bear two. */
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #newKeys = new Set<string>();
  /** Requests of the account's making, until the server has them. */
  #creating: Creating | null = null;
  readonly #archive: Archive;
  readonly #sharedKeys = new SharedKeys();
  readonly #notes: NoteReader;
  /** How often envelopes with keys came: their senders may have lost what they had. */
  #keysCame = 0;
  /** By what was known when they were made. */
  readonly #reaches = new WeakMap<SealedNote, { reach: object; version: number; keysCame: number }>();

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly olm: OlmMachine,
    private readonly trust: Trust,
    private readonly exchange: Exchange,
  ) {
    this.#archive = new Archive(olm);
    this.#notes = new NoteReader(userId, trust, (messages) => this.#open(messages));
    olm.registerRoomKeyUpdatedCallback(async (infos) => {
      for (const info of infos) this.#newKeys.add(ourConversation(info.roomId.toString()));
      this.#newKeys.delete(notesOf(userId));
    });
  }

  hasAccount(): Promise<boolean> {
    return this.#next(() => knowsAccount(this.olm));
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
    const rounds = inRounds(envelopes.flatMap((envelope) => withKey(envelope) ?? []));
    // Not in its turn: what lies ready, or is encrypted before it, must not go out meanwhile.
    if (rounds.length > 0) this.#keysCame += 1;
    return this.#next(async () => {
      if (preKeys) this.exchange.preKeys = preKeys;
      // A key is bound to its sender's device as known when it comes: so their lists are fetched first.
      const senders = [...new Set(envelopes.map((envelope) => envelope.senderUserId))];
      await this.exchange.know(senders);
      // Also without an envelope: what the server has of this device's prekeys may want topping up.
      if (preKeys && rounds.length === 0) rounds.push([]);
      let unopened = 0;
      if (rounds.length > 0) this.#sharedKeys.doubt();
      for (const round of rounds) unopened += (await this.exchange.sync(round, [])).unopened;
      const notes: string[] = [];
      for (const envelope of envelopes.filter(isNote)) {
        const note = await this.#notes.open(envelope);
        if (note === null) unopened += 1;
        else notes.push(note);
      }
      this.#recallLater();
      if (rounds.length > 0) await this.exchange.pump();
      // Kept until they are told: a call that the network failed has stored its keys all the same.
      const newKeysFor = [...this.#newKeys];
      this.#newKeys.clear();
      return { newKeysFor, unopened, notes };
    });
  }

  seal(sealing: Sealing): Promise<Sealed> {
    return this.#next(async () => {
      const { sealed, reach } = await this.#seal(sealing);
      const { reached: _, ...others } = reach;
      return { ...sealed, ...others };
    });
  }

  async #seal({ conversationId, recipientUserIds, plaintext, rotate }: Sealing) {
    const { olm } = this;
    const users = () => recipientUserIds.map(userOf);
    const reach = await this.exchange.reach(recipientUserIds);
    if (rotate) {
      this.#sharedKeys.forget(conversationId);
      await olm.invalidateGroupSession(roomOf(conversationId));
    }
    const isShared = this.#sharedKeys.has(conversationId, reach);
    const requests = isShared ? [] : await olm.shareRoomKey(roomOf(conversationId), users(), settings());
    const shareIds = requests.map((request) => request.id);
    const ciphertext = await olm.encryptRoomEvent(
      roomOf(conversationId),
      eventType,
      JSON.stringify({ plaintext }),
    );
    if (isShared) this.#sharedKeys.used(conversationId);
    else this.#sharedKeys.asked(conversationId, reach, shareIds, ciphertext);
    // A notice that a key is withheld tells its reader nothing that the missing key does not.
    const envelopes = envelopesOf(requests).filter((envelope) => envelope.type === 'm.room.encrypted');
    return { reach, sealed: { ciphertext, envelopes, shareIds } };
  }

  sealNote(note: string): Promise<SealedNote> {
    const keysCame = this.#keysCame;
    return this.#next(async () => {
      const conversationId = notesOf(this.userId);
      const { sealed, reach } = await this.#seal({
        conversationId,
        recipientUserIds: [this.userId],
        plaintext: note,
        // A new key in each run: few devices get it, and somebody waits for each of the notes that follow.
        rotate: !this.#sharedKeys.knows(conversationId),
      });
      const envelopes = noteEnvelopes(this.userId, reach.reached, sealed);
      const made: SealedNote = { withheld: reach.withheld, shareIds: sealed.shareIds, envelopes };
      this.#reaches.set(made, { reach, version: this.trust.version, keysCame });
      return made;
    });
  }

  maySend(sealed: SealedNote): boolean {
    const made = this.#reaches.get(sealed);
    if (made?.version !== this.trust.version || made.keysCame !== this.#keysCame) return false;
    return this.#sharedKeys.has(notesOf(this.userId), made.reach);
  }

  shared(shareIds: string[]): Promise<void> {
    return this.#next(async () => {
      this.#sharedKeys.stored(shareIds);
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

  readLedger(): Promise<void> {
    return this.#next(() => this.trust.readLedger());
  }

  learnRevocations(userId: string, revocations: Omit<Revocation, 'userId'>[]): Promise<void> {
    return this.#next(() => this.trust.learnRevocations(userId, revocations));
  }

  async revocationOf(userId: string, deviceId: string): Promise<Revocation | undefined> {
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
    return this.#next(async () => (await importPage(this.olm, this.#archive, page)).map(ourConversation));
  }

  exportKeysOf(ciphertexts: string[], most: number): Promise<string> {
    return this.#next(() => exportKeysOf(this.olm, ciphertexts, most));
  }

  importKeys(keys: string): Promise<void> {
    return this.#next(async () => {
      (await this.olm.importExportedRoomKeys(keys, () => undefined)).free();
      await this.#archive.take(parseExportedKeys(keys));
    });
  }

  sealState(pageId: string, text: string): Promise<string | null> {
    return this.#next(() => sealState(this.olm, pageId, text));
  }

  openState(page: string): Promise<string | null> {
    return this.#next(() => openState(this.olm, page));
  }

  async open(message: SealedMessage): Promise<OpenResult> {
    const [result] = await this.openAll([message]);
    return result ?? { status: 'invalid' };
  }

  async openAll(messages: SealedMessage[]): Promise<OpenResult[]> {
    const results: OpenResult[] = [];
    for (let start = 0; start < messages.length; start += openedPerTurn) {
      const some = messages.slice(start, start + openedPerTurn);
      results.push(...(await this.#next(() => this.#open(some))));
    }
    // Not between two parts: who called waits for all of them.
    this.#recallLater();
    return results;
  }

  /** Keys that are used much are read from memory from now on. In its own turn: nobody waits for it. */
  #recallLater(): void {
    // What failed is read from the store as before: slower, and no harm.
    this.#next(() => recall(this.#archive, this.trust)).catch(() => undefined);
  }

  #open(messages: SealedMessage[]): Promise<OpenResult[]> {
    return openMessages(this.olm, this.exchange, this.trust, this.#archive, messages);
  }

  openNote(envelope: IncomingEnvelope): Promise<string | null> {
    return this.#next(() => this.#notes.openEarly(envelope));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#next(async () => {
      this.#closed = true;
      this.#archive.close();
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
