/** JSON objects as the crypto library makes them. Their shapes are the key procedures' business. */
export type SignedKey = Record<string, unknown>;

export interface SignUpKeys {
  deviceKeys: SignedKey;
  oneTimeKeys: Record<string, SignedKey>;
  fallbackKeys: Record<string, SignedKey>;
  masterKey: SignedKey;
  selfSigningKey: SignedKey;
  userSigningKey: SignedKey;
}

/** What a device that joins an account registers: without signing keys, which are the account's. */
export type DeviceKeys = Pick<SignUpKeys, 'deviceKeys' | 'oneTimeKeys' | 'fallbackKeys'>;

/** What makes a device an equal one of its account. Travels from device to device, encrypted between them. */
export interface AccountSecrets {
  /** The private signing keys and the backup key, as the library writes them. */
  bundle: unknown;
  /** The public master key: the server must tell the same one. */
  masterKey: string;
}

export interface UserKeys {
  userId: string;
  masterKey: SignedKey | null;
  selfSigningKey: SignedKey | null;
  /** Told to the user's own devices only. */
  userSigningKey: SignedKey | null;
  devices: { deviceId: string; deviceKeys: SignedKey }[];
  /** Devices that the user has shut out, each signed by their master key. */
  revocations: Omit<Revocation, 'userId'>[];
}

/** A device that its owner has shut out. `signature`: of the account's master key, base64. */
export interface Revocation {
  userId: string;
  deviceId: string;
  /** Server time, ms: what the device sends after it is shown to nobody. */
  at: number;
  signature: string;
}

/** The identity of a user that this account goes by. */
export interface KnownIdentity {
  userId: string;
  masterKey: string;
  /** This account's signatures on it, by key, once a person has compared the safety number. */
  verification: Record<string, string> | null;
}

/** `changedTo`: the server tells this other master key; no key leaves until a person has approved it. */
export interface IdentityNews extends KnownIdentity {
  changedTo: string | null;
}

/** What only a server that lies tells, or one that was broken into. None of it gets a key. */
export interface Lie {
  /**
   * `relisted`: a device that its owner has shut out. `unsigned`: one that its owner never signed.
   * `withheld`: one is missing that its owner has not shut out.
   */
  kind: 'relisted' | 'unsigned' | 'withheld';
  userId: string;
  deviceId: string;
}

export interface TrustNews {
  identities: IdentityNews[];
  revocations: Revocation[];
  lies: Lie[];
}

/** Keeps what is known of identities and revocations, longer than the server may tell it. */
export interface TrustLedger {
  load(): Promise<{ identities: KnownIdentity[]; revocations: Revocation[] }>;
  /** The same may be told again. */
  learned(news: TrustNews): Promise<void>;
}

/** How the machine's questions reach the server. A rejection fails the call that asked; it can be called again. */
export interface KeyTransport {
  upload(keys: {
    oneTimeKeys: Record<string, SignedKey>;
    fallbackKeys: Record<string, SignedKey>;
  }): Promise<{ oneTimeKeyCount: number }>;
  keys(userIds: string[]): Promise<UserKeys[]>;
  bundles(
    devices: { userId: string; deviceId: string }[],
  ): Promise<{ userId: string; deviceId: string; keyId: string; key: SignedKey }[]>;
}

export interface OutgoingEnvelope {
  recipientUserId: string;
  recipientDeviceId: string;
  type: string;
  /** JSON. */
  content: string;
}

export interface IncomingEnvelope {
  senderUserId: string;
  senderDeviceId: string;
  /** With which conversation's message it came, as the server says; `null`: with none, or that is not known. */
  conversationId?: string | null;
  type: string;
  content: string;
}

/** What the server tells of this device's prekeys. */
export interface PreKeyState {
  oneTimeKeyCount: number;
  hasUnusedFallbackKey: boolean;
}

export interface Received {
  /** Conversations that got a sender key. */
  newKeysFor: string[];
  /** Envelopes that could not be opened: what they carried is lost, unless it came before. */
  unopened: number;
  /** What other devices of this account have told, in order. */
  notes: string[];
}

export type OpenResult =
  | { status: 'ok'; plaintext: string }
  /** Its key may still come. */
  | { status: 'missing_key' }
  /** Its sender is not who the server says, or not a device that its owner has signed. */
  | { status: 'untrusted' }
  /** Sent after its owner has shut the device out. */
  | { status: 'revoked' }
  | { status: 'invalid' };

export interface Withheld {
  userId: string;
  deviceId: string;
  /** `unsigned`: not signed by its owner. `revoked`: shut out by its owner. `no_session`: no prekey could be had now. */
  reason: 'unsigned' | 'revoked' | 'no_session';
}

export interface Sealed {
  ciphertext: string;
  envelopes: OutgoingEnvelope[];
  /** For `shared`, once ciphertext and envelopes are stored. */
  shareIds: string[];
  withheld: Withheld[];
  /** Recipients of whom no device could be given the key now, though there are such that may have it. */
  unreached: string[];
  /** Recipients whose identity is not the one known before: they got no key. */
  identityChanged: string[];
}

export interface SealedNote {
  /** One for each other device that can be reached, with the key in it where that may be lacking. */
  envelopes: OutgoingEnvelope[];
  /** For `shared`, once the server has the envelopes. */
  shareIds: string[];
  withheld: Withheld[];
}

export interface Sealing {
  conversationId: string;
  /** Whose devices get the key; one's own other devices too, if the own id is among them. */
  recipientUserIds: string[];
  plaintext: string;
  /** Starts a new sender key, whatever the old one's age. */
  rotate: boolean;
}

export interface SealedMessage {
  conversationId: string;
  messageId: string;
  senderUserId: string;
  senderDeviceId: string;
  ciphertext: string;
  /** Server time, ms. */
  at: number;
}

/**
 * One device's keys and sessions: no network, no clock. Calls are done one at a time, in the order of calling.
 * There must be one machine on a store: a second would use the same sender key index twice.
 */
export interface CryptoMachine {
  readonly userId: string;
  readonly deviceId: string;
  /** Whether its store holds this device's account: not so for one that was made just now. */
  hasAccount(): Promise<boolean>;
  /** For the first device of an account: its keys and its owner's signing keys, for one request that is all or nothing. */
  createAccount(): Promise<SignUpKeys>;
  /** For a further device of an account: its own keys. */
  createDevice(): Promise<DeviceKeys>;
  /** The server has them. */
  accountCreated(oneTimeKeyCount: number): Promise<void>;
  /**
   * Feeds envelopes in order and at once; then asks and uploads what the machine finds needed.
   * @param preKeys when the server has just told of them; `null`: as last known
   */
  receive(envelopes: IncomingEnvelope[], preKeys: PreKeyState | null): Promise<Received>;
  /** Encrypts a plaintext once, and its key for each recipient device that lacks it and may have it. */
  seal(sealing: Sealing): Promise<Sealed>;
  /**
   * Opens a note that another device of this account is telling, if its key is here. It will come as an envelope, and is
   * not opened a second time then.
   */
  openNote(envelope: IncomingEnvelope): Promise<string | null>;
  /** Encrypts a note for the other devices of this account: once, with a key that they all have. */
  sealNote(note: string): Promise<SealedNote>;
  /**
   * Whether a note that was encrypted some time ago, and brought no key, may still be sent: it goes to all who are to have
   * it, to nobody else, and they can read it, as far as is known.
   */
  maySend(sealed: SealedNote): boolean;
  /** The envelopes of these shares are stored durably and will be delivered. */
  shared(shareIds: string[]): Promise<void>;
  /** The device lists of these users have changed. */
  refresh(userIds: string[]): Promise<void>;
  /**
   * Signs a further device of this account.
   * @param deviceKeys as the device itself has told them, over a channel that a person has confirmed
   * @returns the same with the owner's signature
   */
  signDevice(deviceKeys: SignedKey): Promise<SignedKey>;
  /** Says that a device of this account is shut out. The server and the contacts are to be told. */
  revokeDevice(deviceId: string, at: number): Promise<Revocation>;
  /** The ledger was written by another than this machine, as by what the account's devices have handed over. */
  readLedger(): Promise<void>;
  /** Told by a device of theirs; what their identity has not signed is passed over. */
  learnRevocations(userId: string, revocations: Omit<Revocation, 'userId'>[]): Promise<void>;
  /** Of this account or a contact's: whether this device is shut out, and since when. */
  revocationOf(userId: string, deviceId: string): Promise<Revocation | undefined>;
  /**
   * A person takes this identity for the user's from now on.
   * @param verify they have compared the safety number
   * @returns `null`, and nothing is changed, when it is not the one that the server tells now
   */
  approveIdentity(userId: string, masterKey: string, verify: boolean): Promise<KnownIdentity | null>;
  /** Another device of this account has approved it. */
  learnIdentity(known: KnownIdentity): Promise<void>;
  exportSecrets(): Promise<AccountSecrets>;
  /** @throws IdentityMismatch when the server tells another identity of this account: then nothing is kept */
  adoptSecrets(secrets: AccountSecrets): Promise<void>;
  /** The next page of keys that the backup lacks; `null`: it has all. */
  nextBackupPage(pageId: string): Promise<{ requestId: string; page: string } | null>;
  backupPageStored(requestId: string): Promise<void>;
  /** @returns the conversations that got keys; none for a page that no device of this account has made */
  importBackupPage(page: string): Promise<string[]>;
  /**
   * The keys that open these messages, as far as they are here, for another device of this account.
   * @param most how many at most; those of the first messages before those of later ones
   */
  exportKeysOf(ciphertexts: string[], most: number): Promise<string>;
  /** Takes keys that another device of this account has handed over. Who does so must have been made sure of before. */
  importKeys(keys: string): Promise<void>;
  /** Seals what the account knows beside its messages. `null`: this device has no backup key. */
  sealState(pageId: string, text: string): Promise<string | null>;
  /** `null`: no device of this account has made it. */
  openState(page: string): Promise<string | null>;
  open(message: SealedMessage): Promise<OpenResult>;
  /** The same for many, at once; other calls have their turn meanwhile. @returns in the order of the messages */
  openAll(messages: SealedMessage[]): Promise<OpenResult[]>;
  close(): Promise<void>;
}

/** The server tells another identity than the account's own devices do. */
export class IdentityMismatch extends Error {}
