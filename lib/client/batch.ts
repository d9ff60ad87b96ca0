import type { AparteDb, MessageRow, OrphanRow, PersonRow, SealedRow } from './db';

/**
 * What a page of arrivals reads and writes, read at once and written at once: a database asked row by row takes ten
 * times as long. Lives inside one transaction over `messages`, `people`, `orphans` and `sealed`; whoever writes past it
 * meanwhile is not seen.
 */
export class Batch {
  readonly #messages = new Map<string, MessageRow | undefined>();
  readonly #changed = new Set<string>();
  readonly #people = new Map<string, PersonRow | undefined>();
  readonly #renamed = new Set<string>();
  readonly #orphans = new Map<string, OrphanRow[]>();
  readonly #newOrphans = new Map<string, OrphanRow>();
  readonly #adopted: string[] = [];
  readonly #sealed: SealedRow[] = [];
  readonly #unsealed: string[] = [];

  private constructor(private readonly db: AparteDb) {}

  /** @param messageIds of what arrives */
  static async open(db: AparteDb, messageIds: string[]): Promise<Batch> {
    const batch = new Batch(db);
    const rows = await db.messages.bulkGet(messageIds);
    for (const [index, id] of messageIds.entries()) {
      batch.#messages.set(id, rows[index]);
      batch.#orphans.set(id, []);
    }
    for (const orphan of await db.orphans.where('target').anyOf(messageIds).toArray())
      batch.#orphans.get(orphan.target)?.push(orphan);
    return batch;
  }

  async message(id: string): Promise<MessageRow | undefined> {
    if (!this.#messages.has(id)) this.#messages.set(id, await this.db.messages.get(id));
    return this.#messages.get(id);
  }

  putMessage(row: MessageRow): void {
    this.#messages.set(row.id, row);
    this.#changed.add(row.id);
  }

  deleteMessage(id: string): void {
    this.#messages.set(id, undefined);
    this.#changed.add(id);
  }

  async person(userId: string): Promise<PersonRow | undefined> {
    if (!this.#people.has(userId)) this.#people.set(userId, await this.db.people.get(userId));
    return this.#people.get(userId);
  }

  putPerson(row: PersonRow): void {
    this.#people.set(row.userId, row);
    this.#renamed.add(row.userId);
  }

  /** Takes the changes that wait for a message. */
  async adoptOrphans(target: string): Promise<OrphanRow[]> {
    const known =
      this.#orphans.get(target) ?? (await this.db.orphans.where('target').equals(target).toArray());
    this.#orphans.set(target, []);
    for (const { id } of known) {
      this.#newOrphans.delete(id);
      this.#adopted.push(id);
    }
    return known;
  }

  putOrphan(row: OrphanRow): void {
    this.#newOrphans.set(row.id, row);
    this.#orphans.get(row.target)?.push(row);
  }

  putSealed(row: SealedRow): void {
    this.#sealed.push(row);
  }

  deleteSealed(id: string): void {
    this.#unsealed.push(id);
  }

  async store(): Promise<void> {
    const { db } = this;
    const changed = [...this.#changed];
    await db.messages.bulkPut(changed.flatMap((id) => this.#messages.get(id) ?? []));
    await db.messages.bulkDelete(changed.filter((id) => this.#messages.get(id) === undefined));
    await db.people.bulkPut([...this.#renamed].flatMap((userId) => this.#people.get(userId) ?? []));
    await db.orphans.bulkDelete(this.#adopted);
    await db.orphans.bulkPut([...this.#newOrphans.values()]);
    await db.sealed.bulkDelete(this.#unsealed);
    await db.sealed.bulkPut(this.#sealed);
  }
}
