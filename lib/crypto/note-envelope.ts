import { parseNote } from './json';
import { notesOf } from './names';
import type { Trust } from './trust';
import type { IncomingEnvelope, OpenResult, OutgoingEnvelope, SealedMessage } from './types';

const noteType = 'aparte.note';

export const isNote = (envelope: IncomingEnvelope): boolean => envelope.type === noteType;

/** One for each device, with the key that is for it, if there is one: neither comes without the other. */
export function noteEnvelopes(
  recipientUserId: string,
  deviceIds: string[],
  { ciphertext, envelopes }: { ciphertext: string; envelopes: OutgoingEnvelope[] },
): OutgoingEnvelope[] {
  const keys = new Map(envelopes.map((one) => [one.recipientDeviceId, one.content]));
  return deviceIds.map((recipientDeviceId) => {
    const key = keys.get(recipientDeviceId);
    const content = key === undefined ? `{"note":${ciphertext}}` : `{"key":${key},"note":${ciphertext}}`;
    return { recipientUserId, recipientDeviceId, type: noteType, content };
  });
}

/** The envelope of a key; `null`: there is none in it. */
export function withKey(envelope: IncomingEnvelope): IncomingEnvelope | null {
  if (!isNote(envelope)) return envelope;
  const key = parseNote(envelope.content).data?.key;
  return key ? { ...envelope, type: 'm.room.encrypted', content: JSON.stringify(key) } : null;
}

/** So many notes at most are on their way at once. */
const earlyMost = 20;

/** Reads what devices of one account tell each other. */
export class NoteReader {
  /** What was opened before it came as an envelope, as long as nothing else is known of anybody since. */
  readonly #early: { senderDeviceId: string; content: string; text: string; version: number }[] = [];

  constructor(
    private readonly userId: string,
    private readonly trust: Trust,
    private readonly openAll: (messages: SealedMessage[]) => Promise<OpenResult[]>,
  ) {}

  /** @returns `null`: it is no note, or cannot be read yet */
  async openEarly(envelope: IncomingEnvelope): Promise<string | null> {
    const text = isNote(envelope) ? await this.open(envelope) : null;
    if (text === null) return null;
    const { senderDeviceId, content } = envelope;
    this.#early.push({ senderDeviceId, content, text, version: this.trust.version });
    if (this.#early.length > earlyMost) this.#early.shift();
    return text;
  }

  /** What a device of this account says to its others; from any other, or one that is shut out, it is nothing. */
  async open({ senderUserId, senderDeviceId, content }: IncomingEnvelope): Promise<string | null> {
    const parsed = parseNote(content);
    if (!parsed.success || senderUserId !== this.userId) return null;
    const early = this.#early.find((one) => one.senderDeviceId === senderDeviceId && one.content === content);
    if (early?.version === this.trust.version) return early.text;
    const [opened] = await this.openAll([
      {
        conversationId: notesOf(this.userId),
        messageId: 'note',
        senderUserId,
        senderDeviceId,
        ciphertext: JSON.stringify(parsed.data.note),
        // Later than every revocation: nothing that a device says once it is shut out counts.
        at: Number.MAX_SAFE_INTEGER,
      },
    ]);
    return opened?.status === 'ok' ? opened.plaintext : null;
  }
}
