import { type Delivery, usersOf } from '../broker';

const maxUsers = 50_000;
const maxCloses = 10_000;

/** Whom other nodes could not be told of, while there was no link. */
export class Lost {
  #users = new Set<string>();
  #everyone = false;
  #closes: Delivery[] = [];

  /** How many users are known by name. */
  get size(): number {
    return this.#users.size;
  }

  add(sent: Delivery): void {
    if (sent.kind === 'close') {
      if (this.#closes.length < maxCloses) this.#closes.push(sent);
      return;
    }
    for (const userId of usersOf(sent)) this.#users.add(userId);
    if (this.#users.size > maxUsers) this.addEveryone();
  }

  addEveryone(): void {
    this.#everyone = true;
    this.#users.clear();
  }

  /** Hands it all over. `userIds` is null when it was too many to know. */
  take(): { userIds: string[] | null; closes: Delivery[] } {
    const taken = { userIds: this.#everyone ? null : [...this.#users], closes: this.#closes };
    this.#users = new Set();
    this.#everyone = false;
    this.#closes = [];
    return taken;
  }
}
