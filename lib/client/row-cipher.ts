import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

/** Bytes of a sealed row before the ciphertext. */
const nonceBytes = 24;
/** So many nonces are drawn at once: one by one the asking costs more than the encrypting. */
const noncesDrawn = 340;

/** A row that this key has not sealed, or not under this name: damaged, exchanged for another, or put there. */
export class RowRefused extends Error {
  override readonly name = 'RowRefused';
}

/**
 * Seals what a row holds. Synchronous, since waiting for anything but the database ends a transaction; and bound to
 * the row's table and to what of it stands in the clear, so that neither can be exchanged.
 */
export class RowCipher {
  readonly #text = new TextEncoder();
  readonly #bytes = new TextDecoder('utf-8', { fatal: true });
  #nonces = new Uint8Array(0);

  /** @param key 32 bytes */
  constructor(private readonly key: Uint8Array) {}

  /** @param name what the row may be opened under only */
  seal(name: string, content: string): Uint8Array {
    const nonce = this.#nonce();
    const cipher = xchacha20poly1305(this.key, nonce, this.#text.encode(name));
    const sealed = cipher.encrypt(this.#text.encode(content));
    const row = new Uint8Array(nonceBytes + sealed.length);
    row.set(nonce);
    row.set(sealed, nonceBytes);
    return row;
  }

  /** @throws RowRefused */
  open(name: string, row: Uint8Array): string {
    const cipher = () =>
      xchacha20poly1305(this.key, row.subarray(0, nonceBytes), this.#text.encode(name)).decrypt(
        row.subarray(nonceBytes),
      );
    try {
      return this.#bytes.decode(cipher());
    } catch (cause) {
      throw new RowRefused('a row is not what was stored', { cause });
    }
  }

  #nonce(): Uint8Array {
    if (this.#nonces.length === 0)
      this.#nonces = crypto.getRandomValues(new Uint8Array(nonceBytes * noncesDrawn));
    const nonce = this.#nonces.subarray(0, nonceBytes);
    this.#nonces = this.#nonces.subarray(nonceBytes);
    return nonce;
  }
}
