import type { Derivation } from './passphrase';
import { readKeyRow, type Store, storeKeyOf, unwrap, wrap, wrapOpenly, writeKeyRow } from './store-key';

/** `looking`: not known yet. `locked`: somebody must say the passphrase, here or in another tab. */
export type LockState = 'looking' | 'open' | 'locked';

/** What tabs and their workers tell each other; it never leaves the origin, nor memory. */
type Told = { t: 'ask' } | { t: 'key'; root: Uint8Array<ArrayBuffer> } | { t: 'lock' };

/** The part of a BroadcastChannel that is used, so that tests can join rings without a browser. */
export interface Channel {
  postMessage: (told: Told) => void;
  onmessage: ((event: MessageEvent<Told>) => void) | null;
  close: () => void;
}

/** Most profiles have no passphrase, and most starts are without one being said. */
const derivations = () => import('./passphrase');

/** So long a new tab waits for one that knows the key. */
const askMs = 400;

/**
 * The key of the profile in this tab or worker, in memory only. Without a passphrase each opens it by itself; with one
 * it is known from the moment somebody has said it until the last tab is closed or any tab locks, and those that know
 * it tell those that ask.
 */
export class KeyRing {
  state: LockState = 'looking';
  /** Whether a passphrase protects the profile. */
  protected = false;
  #root: Uint8Array<ArrayBuffer> | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #waiting: ((root: Uint8Array<ArrayBuffer>) => void)[] = [];
  readonly #begun: Promise<void>;

  /** @param locked what this tab does when the profile is locked: forget everything */
  constructor(
    private readonly channel: Channel,
    private readonly locked: () => void,
    private readonly derivation: (() => Derivation) | null = null,
  ) {
    channel.onmessage = ({ data }) => this.#heard(data);
    this.#begun = this.#begin();
    this.#begun.catch(() => this.#set('locked'));
  }

  /** Waits until the profile is open. @returns 32 bytes */
  async key(store: Store): Promise<Uint8Array> {
    await this.#begun;
    const root =
      this.#root ?? (await new Promise<Uint8Array<ArrayBuffer>>((take) => this.#waiting.push(take)));
    return storeKeyOf(root, store);
  }

  /** @returns whether it was the passphrase; then all tabs are open */
  async unlock(passphrase: string): Promise<boolean> {
    const root = await this.#try(passphrase);
    if (!root) return false;
    this.#open(root);
    this.channel.postMessage({ t: 'key', root });
    return true;
  }

  /** From now on nothing opens without the passphrase. The profile must be open. */
  async protect(passphrase: string): Promise<void> {
    const { deriveKey, newDerivation } = await derivations();
    const derivation = this.derivation?.() ?? newDerivation();
    const wrapped = await wrap(this.#known(), await deriveKey(passphrase, derivation));
    await writeKeyRow({ name: 'store', derivation, ...wrapped });
    this.#setProtected(true);
  }

  /** @returns whether it was the passphrase; then none is needed any more */
  async unprotect(passphrase: string): Promise<boolean> {
    const root = await this.#try(passphrase);
    if (!root) return false;
    await writeKeyRow(await wrapOpenly(root));
    this.#setProtected(false);
    return true;
  }

  /** @returns whether `before` was the passphrase; then it is `after` */
  async change(before: string, after: string): Promise<boolean> {
    if (!(await this.#try(before))) return false;
    await this.protect(after);
    return true;
  }

  /** All tabs and workers forget the key. */
  lock(): void {
    this.channel.postMessage({ t: 'lock' });
    this.#forget();
  }

  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  async #begin(): Promise<void> {
    const row = await readKeyRow();
    if ('wrapping' in row) {
      const root = await unwrap(row, row.wrapping);
      if (!root) throw new Error('the key of this profile cannot be opened');
      this.#open(root);
      return;
    }
    this.protected = true;
    if (this.#root) return;
    this.channel.postMessage({ t: 'ask' });
    setTimeout(() => {
      if (!this.#root) this.#set('locked');
    }, askMs);
  }

  #heard(told: Told): void {
    if (told.t === 'key') {
      if (!this.#root) this.#open(told.root);
    } else if (told.t === 'lock') this.#forget();
    else if (this.#root) this.channel.postMessage({ t: 'key', root: this.#root });
  }

  async #try(passphrase: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const row = await readKeyRow();
    if (!('derivation' in row)) return null;
    const { deriveKey } = await derivations();
    return unwrap(row, await deriveKey(passphrase, row.derivation));
  }

  #open(root: Uint8Array<ArrayBuffer>): void {
    this.#root = root;
    for (const take of this.#waiting.splice(0)) take(root);
    this.#set('open');
  }

  #forget(): void {
    this.#root?.fill(0);
    this.#root = null;
    this.#set('locked');
    this.locked();
  }

  #known(): Uint8Array<ArrayBuffer> {
    if (!this.#root) throw new Error('the profile is locked');
    return this.#root;
  }

  #setProtected(value: boolean): void {
    this.protected = value;
    this.#told();
  }

  #set(state: LockState): void {
    this.state = state;
    this.#told();
  }

  #told(): void {
    for (const changed of this.#listeners) changed();
  }
}

const channelName = 'aparte-keys';

/** For a page or one of its workers. */
export const openKeyRing = (locked: () => void): KeyRing =>
  new KeyRing(new BroadcastChannel(channelName), locked);

/**
 * For the service worker, which outlives the tabs and must not keep what they forget.
 * @returns `null` when the profile is locked: no tab is open that knows the key
 */
export async function borrowKey(store: Store): Promise<Uint8Array | null> {
  const row = await readKeyRow();
  if ('wrapping' in row) {
    const root = await unwrap(row, row.wrapping);
    return root && storeKeyOf(root, store);
  }
  const channel = new BroadcastChannel(channelName);
  try {
    const root = await new Promise<Uint8Array<ArrayBuffer> | null>((resolve) => {
      channel.onmessage = ({ data }: MessageEvent<Told>) => {
        if (data.t === 'key') resolve(data.root);
      };
      setTimeout(() => resolve(null), askMs);
      channel.postMessage({ t: 'ask' } satisfies Told);
    });
    return root && (await storeKeyOf(root, store));
  } finally {
    channel.close();
  }
}
