/** Bounds that both sides hold. The server refuses what exceeds them; a device never makes it. */
export const limits = {
  handleMinLength: 3,
  handleMaxLength: 30,
  nameMaxLength: 60,
  titleMaxLength: 80,
  deviceNameMaxLength: 60,
  /** What a person may type into one message, in UTF-16 units: with padding and base64 it stays under the ciphertext's bound. */
  textMaxLength: 8_000,
  ciphertextMaxBytes: 64 * 1024,
  /** One Olm envelope that carries a sender key is about 1.7 KB. */
  envelopeMaxBytes: 16 * 1024,
  envelopesPerSend: 1_000,
  frameMaxBytes: 2 * 1024 * 1024,
  requestMaxBytes: 2 * 1024 * 1024,
  membersPerGroup: 256,
  membersPerRequest: 100,
  /** Unused one-time keys that the server keeps for a device. */
  oneTimeKeysPerDevice: 100,
  oneTimeKeysPerUpload: 100,
  /** Below this count the device uploads more. */
  oneTimeKeysLow: 25,
  bundlesPerRequest: 300,
  usersPerRequest: 300,
  pullPageSize: 200,
  /** A page of messages or envelopes ends with the one that reaches this. */
  pullPageBytes: 1024 * 1024,
  envelopePageSize: 200,
  acksPerRequest: 1_000,
  devicesPerUser: 20,
  /** How long a code can be used, and how long a started linking may take. */
  linkTtlMs: 5 * 60_000,
  rendezvousBodyMaxLength: 256 * 1024,
  rendezvousMessages: 12,
  /** One page of the key backup: a hundred sender keys are about 120 KB. */
  backupPageMaxLength: 512 * 1024,
  backupPagesPerPull: 4,
  backupPagesPerUser: 20_000,
  /** The account's private keys are about 500 bytes. */
  recoveryBundleMaxLength: 16 * 1024,
  /** Signed revocations that are told of a user. */
  revocationsPerUser: 100,
  revocationsPerMessage: 3,
  /** How far a revocation's time may be from the server's. */
  revocationSkewMs: 10 * 60_000,
  /** Push services' addresses are 150 to 600 characters long. */
  pushEndpointMaxLength: 1_024,
  /** A picture is made smaller before it is encrypted; what is larger than this was not. */
  attachmentMaxBytes: 1024 * 1024,
  attachmentBytesPerUser: 1024 * 1024 * 1024,
  /** In pixels. */
  pictureMaxSide: 4_096,
  /** A picture's small stand-in, base64: it travels within the message. */
  pictureStandInMaxLength: 2_000,
  pictureStandInMaxSide: 64,
  picturesPerMessage: 10,
} as const;
