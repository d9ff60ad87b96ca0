import type { Coming } from './apply';
import type { AparteDb, MessageRow, OrphanRow, OutboxRow, PersonRow, SealedRow } from './db';
import { forgetPictures } from './picture-rows';

/** The tables that a batch writes: its transaction is over them. */
export const batched = (db: AparteDb): AparteDb['tables'] => [
  db.messages,
  db.people,
  db.orphans,
  db.sealed,
  db.pictures,
  db.transfers,
];

/**
 * What a page of arrivals reads and writes, read at once and written at once: a database asked row by row takes ten
 * times as long. Lives inside one transaction over `batched`; whoever writes past it meanwhile is not seen.
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
  readonly #intents = new Map<string, OutboxRow>();
  readonly #settled: number[] = [];
  /** Messages as they were before their pictures went. */
  readonly #forgotten: MessageRow[] = [];
  /** Titles that wait to be told, in the order of asking. */
  readonly #titles: { id: number; conversationId: string; title: string }[] = [];

  private constructor(private readonly db: AparteDb) {}

  /**
   * Reads all that these arrivals may touch.
   * @param device of this profile, in a transaction over `outbox` too: an arrival of its own settles its intent
   */
  static async open(db: AparteDb, coming: readonly Coming[], device: string | null): Promise<Batch> {
    const batch = new Batch(db);
    const ids = new Set(coming.map(({ arrival }) => arrival.id));
    const own = coming.filter(({ arrival }) => arrival.senderDeviceId === device);
    for (const conversationId of new Set(own.map(({ arrival }) => arrival.conversationId)))
      for (const row of await db.outbox.where('conversationId').equals(conversationId).toArray()) {
        if (row.intent.kind !== 'message') continue;
        const { messageId, content } = row.intent;
        if (ids.has(messageId)) batch.#intents.set(messageId, row);
        if (content.kind === 'group' && content.title !== null)
          batch.#titles.push({ id: row.id, conversationId, title: content.title });
      }
    const targets = new Set(ids);
    for (const { opened } of coming)
      if (opened.status === 'ok') {
        const { content } = opened.payload;
        if ('target' in content) targets.add(content.target);
        else if (content.kind === 'text' && content.replyTo !== null) targets.add(content.replyTo);
      }
    for (const { intent } of batch.#intents.values())
      if (intent.kind === 'message' && 'target' in intent.content) targets.add(intent.content.target);
    const senders = new Set(coming.map(({ arrival }) => arrival.senderId));
    const [, , orphans] = await Promise.all([
      read(db.messages.bulkGet([...targets]), targets, batch.#messages),
      read(db.people.bulkGet([...senders]), senders, batch.#people),
      db.orphans
        .where('target')
        .anyOf([...ids])
        .toArray(),
    ]);
    for (const id of ids) batch.#orphans.set(id, []);
    for (const orphan of orphans) batch.#orphans.get(orphan.target)?.push(orphan);
    return batch;
  }

  message(id: string): MessageRow | undefined {
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

  /** Its message is deleted for good; the caller puts that. */
  forgetPicture(row: MessageRow): void {
    if (!row.picture) return;
    this.#forgotten.push({ ...row });
    delete row.picture;
  }

  person(userId: string): PersonRow | undefined {
    return this.#people.get(userId);
  }

  putPerson(row: PersonRow): void {
    this.#people.set(row.userId, row);
    this.#renamed.add(row.userId);
  }

  /** Takes the changes that wait for a message. */
  adoptOrphans(target: string): OrphanRow[] {
    const known = this.#orphans.get(target) ?? [];
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

  /** The intent that this message was, if it still waits here: it is done. */
  settleIntent(messageId: string): OutboxRow | undefined {
    const row = this.#intents.get(messageId);
    this.#intents.delete(messageId);
    if (row) this.#settled.push(row.id);
    return row;
  }

  /** The title of a conversation that was asked for last, after this intent, and still waits to be told. */
  laterTitle({ id, conversationId }: OutboxRow): string | undefined {
    return this.#titles.findLast((one) => one.conversationId === conversationId && one.id > id)?.title;
  }

  putSealed(row: SealedRow): void {
    this.#sealed.push(row);
  }

  deleteSealed(id: string): void {
    this.#unsealed.push(id);
  }

  async store(): Promise<void> {
    const { db } = this;
    if (this.#forgotten.length > 0) await forgetPictures(db, this.#forgotten);
    const changed = [...this.#changed];
    const gone = changed.filter((id) => this.#messages.get(id) === undefined);
    // The database does them in this order; none need wait here for the one before.
    await Promise.all([
      db.messages.bulkPut(changed.flatMap((id) => this.#messages.get(id) ?? [])),
      gone.length > 0 && db.messages.bulkDelete(gone),
      this.#renamed.size > 0 &&
        db.people.bulkPut([...this.#renamed].flatMap((userId) => this.#people.get(userId) ?? [])),
      this.#adopted.length > 0 && db.orphans.bulkDelete(this.#adopted),
      this.#newOrphans.size > 0 && db.orphans.bulkPut([...this.#newOrphans.values()]),
      this.#unsealed.length > 0 && db.sealed.bulkDelete(this.#unsealed),
      this.#sealed.length > 0 && db.sealed.bulkPut(this.#sealed),
      this.#settled.length > 0 && db.outbox.bulkDelete(this.#settled),
    ]);
  }
}

/** Keeps rows under their keys, and that there is none. */
async function read<Row>(
  rows: PromiseLike<(Row | undefined)[]>,
  keys: Iterable<string>,
  into: Map<string, Row | undefined>,
): Promise<void> {
  const found = await rows;
  let index = 0;
  for (const key of keys) into.set(key, found[index++]);
}
