/** What a commit has found true of a conversation at one version of its roster, and so is true as long as that is current. */
export interface KnownRoster {
  readonly version: number;
  /** Who receives. */
  readonly userIds: string[];
  /** Devices that may send. */
  readonly senders: Set<string>;
}

/** So many ids of users and devices are kept by a lane, some ten megabytes; then it begins anew. */
const idsMost = 100_000;

/**
 * Rosters that earlier commits have read. Each change of members, states or devices raises the version, under the lock
 * of the conversation's row: a commit that finds the version unchanged need not read them again.
 */
export class Rosters {
  readonly #known = new Map<string, KnownRoster>();
  #ids = 0;

  /** What is known of the conversation at this version. */
  at(conversationId: string, version: number): KnownRoster | undefined {
    const known = this.#known.get(conversationId);
    return known?.version === version ? known : undefined;
  }

  /** A message of this device was stored at this version. @param userIds who receives, where the commit has told */
  learn(conversationId: string, version: number, deviceId: string, userIds: string[] | null): void {
    let known = this.#known.get(conversationId);
    if (known?.version !== version) {
      if (userIds === null) return;
      if (known) this.#ids -= known.userIds.length + known.senders.size;
      if (this.#ids > idsMost) this.#forget();
      known = { version, userIds, senders: new Set() };
      this.#known.set(conversationId, known);
      this.#ids += userIds.length;
    }
    if (known.senders.has(deviceId)) return;
    known.senders.add(deviceId);
    this.#ids += 1;
  }

  #forget(): void {
    this.#known.clear();
    this.#ids = 0;
  }
}
