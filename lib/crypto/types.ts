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
}

export type OpenResult =
  | { status: 'ok'; plaintext: string }
  /** Its key may still come. */
  | { status: 'missing_key' }
  /** Its sender is not who the server says, or not a device that its owner has signed. */
  | { status: 'untrusted' }
  | { status: 'invalid' };

export interface Withheld {
  userId: string;
  deviceId: string;
  /** `unsigned`: not signed by its owner. `no_session`: no prekey of it could be had now. */
  reason: 'unsigned' | 'no_session';
}

export interface Sealed {
  ciphertext: string;
  envelopes: OutgoingEnvelope[];
  /** For `shared`, once ciphertext and envelopes are stored. */
  shareIds: string[];
  withheld: Withheld[];
  /** Recipients whose identity is not the one known before: they got no key. */
  identityChanged: string[];
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
  exportSecrets(): Promise<AccountSecrets>;
  /** @throws IdentityMismatch when the server tells another identity of this account: then nothing is kept */
  adoptSecrets(secrets: AccountSecrets): Promise<void>;
  /** The next page of keys that the backup lacks; `null`: it has all. */
  nextBackupPage(pageId: string): Promise<{ requestId: string; page: string } | null>;
  backupPageStored(requestId: string): Promise<void>;
  /** @returns the conversations that got keys; none for a page that no device of this account has made */
  importBackupPage(page: string): Promise<string[]>;
  open(message: SealedMessage): Promise<OpenResult>;
  close(): Promise<void>;
}

/** The server tells another identity than the account's own devices do. */
export class IdentityMismatch extends Error {}
