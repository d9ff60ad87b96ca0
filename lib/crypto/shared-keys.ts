import { parseMegolm } from './json';

/** Well before the library replaces a sender key (policy.ts): it must be asked then, and not be found out. */
const usableMs = 6 * 24 * 3_600_000;
const usableMessages = 900;

interface SharedKey {
  /** Who had it, and by what was known of them: another object after any change. */
  reach: object | null;
  madeAt: number;
  messages: number;
  /** Shares that the server has not stored yet. */
  pending: Set<string>;
}

/**
 * Sender keys that were made in this run and are with everyone who may have them. To ask the library whether somebody
 * lacks one takes longer than to encrypt: it reads every device of every recipient. So it is asked once, until
 * something changes. The time is the system's, as the library's own.
 */
export class SharedKeys {
  readonly #keys = new Map<string, SharedKey>();

  /** Whether all of `reach` have the key of this conversation, and it may be used once more. */
  has(conversationId: string, reach: object): boolean {
    const key = this.#keys.get(conversationId);
    if (!key || key.reach !== reach || key.pending.size > 0) return false;
    const age = Date.now() - key.madeAt;
    return key.messages < usableMessages && age >= 0 && age < usableMs;
  }

  /** The library was asked, and has given these shares; then this was encrypted. */
  asked(conversationId: string, reach: object, shareIds: string[], ciphertext: string): void {
    const before = this.#keys.get(conversationId);
    // The first message of a key tells that it was made just now; how old another is, only the library knows.
    if (messageIndex(ciphertext) === 0)
      this.#keys.set(conversationId, { reach, madeAt: Date.now(), messages: 1, pending: new Set(shareIds) });
    else if (before) {
      before.reach = reach;
      before.messages += 1;
      for (const id of shareIds) before.pending.add(id);
    }
  }

  used(conversationId: string): void {
    const key = this.#keys.get(conversationId);
    if (key) key.messages += 1;
  }

  /** The server has stored these. */
  stored(shareIds: string[]): void {
    for (const key of this.#keys.values()) for (const id of shareIds) key.pending.delete(id);
  }

  /** An envelope has come: one of a new session tells the library that its sender has lost what they had. */
  doubt(): void {
    for (const key of this.#keys.values()) key.reach = null;
  }

  /** Whether the key of this conversation was made in this run. */
  knows(conversationId: string): boolean {
    return this.#keys.has(conversationId);
  }

  forget(conversationId: string): void {
    this.#keys.delete(conversationId);
  }
}

/**
 * The place of a message among those of its key, 0 for the first. Megolm's message format: a version byte, then a tag
 * of 0x08 and the index as a variable-length integer, seven bits a byte, the lowest first
 * (gitlab.matrix.org/matrix-org/olm, docs/megolm.md, "Message format").
 */
function messageIndex(ciphertext: string): number | null {
  const head = atob(parseMegolm(ciphertext).ciphertext.slice(0, 12));
  if (head.charCodeAt(0) !== 3 || head.charCodeAt(1) !== 8) return null;
  let index = 0;
  for (let at = 2; at < head.length; at++) {
    const byte = head.charCodeAt(at);
    index |= (byte & 0x7f) << (7 * (at - 2));
    if (byte < 0x80) return index;
  }
  return null;
}
