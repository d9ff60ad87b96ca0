import { parseNote } from './json';
import type { IncomingEnvelope } from './types';

export const noteType = 'aparte.note';

export const isNote = (envelope: IncomingEnvelope): boolean => envelope.type === noteType;

/** Key and note in one envelope: neither comes without the other. */
export const noteText = (ciphertext: string, key: string | undefined): string =>
  key === undefined ? `{"note":${ciphertext}}` : `{"key":${key},"note":${ciphertext}}`;

/** The envelope of a key; `null`: there is none in it. */
export function withKey(envelope: IncomingEnvelope): IncomingEnvelope | null {
  if (!isNote(envelope)) return envelope;
  const key = parseNote(envelope.content).data?.key;
  return key ? { ...envelope, type: 'm.room.encrypted', content: JSON.stringify(key) } : null;
}
