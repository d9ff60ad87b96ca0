import {
  CollectStrategy,
  DecryptionErrorCode,
  DecryptionSettings,
  EncryptionSettings,
  MegolmDecryptionError,
  TrustRequirement,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import type { IncomingEnvelope } from './types';

const weekUs = 7n * 24n * 3600n * 1_000_000n;
const messagesPerKey = 1_000n;

/** Keys go to signed devices only, and are replaced after a week or a thousand messages. */
export function settings(): EncryptionSettings {
  const made = new EncryptionSettings();
  made.sharingStrategy = CollectStrategy.onlyTrustedDevices();
  made.rotationPeriod = weekUs;
  made.rotationPeriodMessages = messagesPerKey;
  return made;
}

/** History that was imported from another device of one's own counts as legacy. */
export const trustRequirement = () => new DecryptionSettings(TrustRequirement.CrossSignedOrLegacy);

/** For who has compared the sender's device themselves. */
export const anyTrust = () => new DecryptionSettings(TrustRequirement.Untrusted);

export function statusOf(error: unknown): 'missing_key' | 'untrusted' | 'invalid' {
  if (!(error instanceof MegolmDecryptionError)) return 'invalid';
  if (
    error.code === DecryptionErrorCode.MissingRoomKey ||
    error.code === DecryptionErrorCode.UnknownMessageIndex
  ) {
    return 'missing_key';
  }
  const mistrusted = [
    DecryptionErrorCode.UnknownSenderDevice,
    DecryptionErrorCode.UnsignedSenderDevice,
    DecryptionErrorCode.SenderIdentityVerificationViolation,
    DecryptionErrorCode.MismatchedSender,
  ];
  return mistrusted.includes(error.code) ? 'untrusted' : 'invalid';
}

/**
 * In rounds, a device's envelopes in their order. Of two keys of one session in one call the library keeps the last,
 * though it may open fewer messages than the first; in two calls it keeps the better one. So a round has one envelope of
 * a device for each conversation; one of which it is not said may be for any, and has a round to itself.
 */
export function inRounds(envelopes: IncomingEnvelope[]): IncomingEnvelope[][] {
  const rounds: IncomingEnvelope[][] = [];
  const senders = new Map<string, { round: number; taken: Set<string | null> }>();
  for (const envelope of envelopes) {
    const { senderDeviceId, conversationId = null } = envelope;
    const sender = senders.get(senderDeviceId) ?? { round: 0, taken: new Set() };
    senders.set(senderDeviceId, sender);
    const { taken } = sender;
    if (taken.has(conversationId) || taken.has(null) || (conversationId === null && taken.size > 0)) {
      sender.round += 1;
      taken.clear();
    }
    taken.add(conversationId);
    const members = rounds[sender.round] ?? [];
    members.push(envelope);
    rounds[sender.round] = members;
  }
  return rounds;
}
