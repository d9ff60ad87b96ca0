import type { ActivityKind } from '../protocol/frames';
import { limits } from '../protocol/limits';
import type { IncomingEnvelope, Mark, Message } from '../protocol/messages';
import { type Arrival, applyArrival, type Coming, type Opened } from './apply';
import { askAhead } from './ask-ahead';
import { Batch, batched } from './batch';
import { bound } from './bound';
import type { ConversationRow, SealedRow } from './db';
import { type Gap, isMissing, without } from './gaps';
import { deliveredMarksUpTo, wishMark } from './intents';
import { takeNotes } from './notes';
import { aheadFor, placeOf } from './pull-order';
import { Reader } from './reader';
import { settleOwn } from './settle';
import type { Work } from './work';

/** So many envelopes are remembered as fed. */
const fedMost = 5_000;

/** Stores messages that follow the cursor, in order. What does not follow is left to a pull. */
export class Inbox {
  /** Envelopes already fed in this run: a frame and a pull may both bring one. */
  readonly #fed = new Set<number>();
  /** How often keys came: what was found sealed before the last time is tried once more after it is stored. */
  #keysCame = 0;

  readonly #reader: Reader;

  constructor(
    private readonly work: Work,
    private readonly on: {
      /** Messages that are new to this device were stored, and can be read. */
      arrived: (conversationId: string, messageIds: string[]) => void;
      /** Some of them have pictures, which are not here. */
      pictured: (conversationId: string, messageIds: string[]) => void;
      /** There is more to fetch than the newest. */
      gap: () => void;
    },
  ) {
    this.#reader = new Reader(work);
  }

  /** Feeds envelopes that a frame brought, then lets the server delete them. */
  async takeEnvelopes(envelopes: IncomingEnvelope[]): Promise<void> {
    await this.#feed(envelopes);
    // Only now: an envelope that the machine has not stored must stay on the server. A lost ack costs a second feed.
    const ids = envelopes.map((envelope) => envelope.id);
    if (ids.length > 0) this.work.post({ t: 'ack', ids });
  }

  /**
   * Pulls the newest messages of a conversation before the keys of others are taken in: somebody waits for these.
   * Nothing is acknowledged, and nothing stored where a key is not here yet.
   * @param waiting all envelopes that wait for this device
   */
  async pullAhead(row: ConversationRow, lastSeq: number, waiting: IncomingEnvelope[]): Promise<void> {
    const place = placeOf(row, lastSeq);
    const fed = this.#feed(aheadFor(row.conversationId, this.work.me.userId, waiting));
    const asked = this.work.environment.api.messages.pull.query({ ...place, limit: limits.pullPageSize });
    // Neither goes on alone when the other has failed.
    await Promise.allSettled([fed, asked]);
    await fed;
    const page = await this.open((await asked).messages);
    if (page.coming.some(({ opened }) => opened.status === 'sealed')) return;
    await this.#storeNext(row.conversationId, page, place.after);
  }

  /** In order and at once: one by one costs five times as much. */
  async #feed(envelopes: IncomingEnvelope[]): Promise<void> {
    const fresh = envelopes.filter((envelope) => !this.#fed.has(envelope.id)).sort((a, b) => a.id - b.id);
    if (fresh.length === 0) return;
    const { newKeysFor, unopened, notes } = await this.work.machine.receive(fresh, null);
    // Stored before the envelope is acknowledged: nobody tells it a second time.
    await takeNotes(this.work, notes);
    if (unopened > 0)
      this.work.environment.log(`${unopened} of ${fresh.length} envelopes could not be opened`);
    for (const envelope of fresh) this.#fed.add(envelope.id);
    bound(this.#fed, fedMost);
    await this.openSealed(newKeysFor);
  }

  /**
   * Pulls what waits for this device, oldest first, until nothing does. Always from the start: ids of different
   * senders may become visible out of order, and what was fed is acknowledged before the next page is asked for.
   * @param first the first page, if it was asked for already
   */
  async pullEnvelopes(first?: EnvelopePage): Promise<void> {
    for (let page = first; ; page = undefined) {
      const { envelopes, more } = page ?? (await this.askEnvelopes());
      await this.#feed(envelopes);
      const ids = envelopes.map((envelope) => envelope.id);
      // Nobody waits for the last answer: a lost ack costs a second feed. What comes after these is asked for without them.
      const isSaid = ids.length === 0 || (!more && this.work.post({ t: 'ack', ids }));
      if (!isSaid) await this.work.environment.api.envelopes.ack.mutate({ ids });
      if (!more) return;
    }
  }

  /** The first page of what waits. */
  askEnvelopes() {
    return this.work.environment.api.envelopes.pull.query({ after: 0, limit: limits.envelopePageSize });
  }

  /**
   * Pulls conversations up to their last message. One that is far behind begins with its newest messages; the rest is
   * history.
   * @param behind in the order to pull them in, with the last number that the server told of; 0: unknown
   * @returns `keyless` when one came whose key is not here
   */
  async pullConversations(behind: ReadonlyMap<string, number>): Promise<'stored' | 'keyless'> {
    const { api } = this.work.environment;
    let result: 'stored' | 'keyless' = 'stored';
    let places = (await this.#rowsOf([...behind.keys()])).map((row) =>
      placeOf(row, behind.get(row.conversationId) ?? 0),
    );
    while (places.length > 0) {
      const further: string[] = [];
      await askAhead(places, {
        // A cursor that has moved on meanwhile brings messages once more, which are not stored twice.
        ask: (place) => api.messages.pull.query({ ...place, limit: limits.pullPageSize }),
        open: async (_, { messages, lastSeq }) => ({ opened: await this.open(messages), lastSeq }),
        take: async ({ conversationId, after }, { opened, lastSeq }) => {
          if ((await this.#storeNext(conversationId, opened, after)) === 'keyless') result = 'keyless';
          const last = opened.coming.at(-1);
          if (last && last.arrival.seq < lastSeq) further.push(conversationId);
        },
      });
      places = (await this.#rowsOf(further)).map((row) => placeOf(row, 0));
    }
    return result;
  }

  async #rowsOf(conversationIds: string[]): Promise<ConversationRow[]> {
    if (conversationIds.length === 0) return [];
    return (await this.work.environment.db.conversations.bulkGet(conversationIds)).flatMap(
      (row) => row ?? [],
    );
  }

  /**
   * @param messages of one conversation, in order
   * @returns `gap` when there is one before the first: pull; `keyless` when one came before its key
   */
  async takeMessages(messages: Message[]): Promise<'gap' | 'stored' | 'keyless'> {
    const first = messages[0];
    if (!first) return 'stored';
    const { db } = this.work.environment;
    const known = await db.conversations.get(first.conversationId);
    if (!known) return 'gap';
    const fresh = messages.filter((message) => message.seq > known.cursor);
    if (fresh.length === 0) return 'stored';
    if (fresh[0]?.seq !== known.cursor + 1) return 'gap';
    return this.#storeNext(known.conversationId, await this.open(fresh));
  }

  /**
   * Opens what is to be stored. Apart from that: it awaits the machine, which no transaction would survive, and one page
   * is opened while the one before is stored.
   * @param messages of one conversation, in order
   */
  async open(messages: Message[]): Promise<OpenedPage> {
    const keysBefore = this.#keysCame;
    return { coming: comingOf(messages, await this.#reader.open(messages)), keysBefore };
  }

  /**
   * Stores what follows the cursor.
   * @param after what lies between the cursor and this is left as a gap. Not before there is something to store: lists
   * read anew what changes, and hold up what is being stored.
   */
  async #storeNext(
    conversationId: string,
    { coming, keysBefore }: OpenedPage,
    after = 0,
  ): Promise<'stored' | 'keyless'> {
    if (coming.length === 0) return 'stored';
    const { db } = this.work.environment;
    const senders = new Set(coming.map(({ arrival }) => arrival.senderId));
    const leavesGap = await db.transaction(
      'rw',
      [...batched(db), db.conversations, db.outbox, db.activities, db.meta],
      async () => {
        const conversation = await db.conversations.get(conversationId);
        if (!conversation) return false;
        const batch = await Batch.open(db, coming, this.work.me.deviceId);
        const { cursor, gaps = [] } = conversation;
        if (after > cursor) {
          conversation.gaps = [...gaps, { after: cursor, upTo: after }];
          conversation.cursor = after;
        }
        for (const one of coming) {
          const { seq } = one.arrival;
          if (seq !== conversation.cursor + 1) continue;
          this.#store(batch, conversation, one);
          conversation.cursor = seq;
          conversation.lastSeq = Math.max(conversation.lastSeq, seq);
        }
        // Who has said it types no more, nor records; a call goes on.
        const over = [...senders].flatMap((senderId): [string, string, ActivityKind][] => [
          [conversationId, senderId, 'typing'],
          [conversationId, senderId, 'recording'],
        ]);
        await Promise.all([
          batch.store(),
          db.activities.bulkDelete(over),
          db.conversations.put(conversation),
          this.#acknowledge(conversation, senders),
        ]);
        return after > cursor;
      },
    );
    if (leavesGap) this.on.gap();
    this.#tell(conversationId, coming);
    const keyless = coming.some(({ opened }) => opened.status === 'sealed');
    if (keyless && keysBefore !== this.#keysCame) await this.#tryAgain(conversationId);
    return keyless ? 'keyless' : 'stored';
  }

  /** Stores the messages of a page that was missing. */
  async takeHistory(conversationId: string, { coming, keysBefore }: OpenedPage, page: Gap): Promise<void> {
    const { db } = this.work.environment;
    await db.transaction('rw', [...batched(db), db.conversations, db.outbox], async () => {
      const conversation = await db.conversations.get(conversationId);
      if (!conversation) return;
      const batch = await Batch.open(db, coming, this.work.me.deviceId);
      for (const one of coming)
        if (isMissing(conversation.gaps, one.arrival.seq)) this.#store(batch, conversation, one);
      await batch.store();
      conversation.gaps = without(conversation.gaps, page);
      await db.conversations.put(conversation);
    });
    if (keysBefore !== this.#keysCame) await this.#tryAgain(conversationId);
  }

  #store(batch: Batch, conversation: ConversationRow, coming: ComingMessage): void {
    const { arrival, opened, ciphertext } = coming;
    const { me } = this.work;
    // The answer to our own send was lost, or this came first.
    if (arrival.senderDeviceId === me.deviceId && settleOwn(batch, conversation, arrival, me.userId)) return;
    if (opened.status === 'sealed') batch.putSealed({ ...arrival, ciphertext });
    applyArrival(batch, conversation, coming, me);
  }

  async #acknowledge(conversation: ConversationRow, senders: ReadonlySet<string>): Promise<void> {
    const others = [...senders].some((senderId) => senderId !== this.work.me.userId);
    if (!others || conversation.myState !== 'active') return;
    if (conversation.members.length > deliveredMarksUpTo) return;
    const { db, now, newId } = this.work.environment;
    await wishMark({ db, now, newId }, conversation.conversationId);
  }

  /** Tries all again: an earlier run may have ended between a key and what waited for it. */
  async openAllSealed(): Promise<void> {
    const waiting = await this.work.environment.db.sealed.orderBy('conversationId').uniqueKeys();
    await this.openSealed(waiting.map(String));
  }

  /** Keys have come: tries again what came before them. */
  async openSealed(conversationIds: string[]): Promise<void> {
    if (conversationIds.length === 0) return;
    this.#keysCame += 1;
    const { sealed } = this.work.environment.db;
    const waiting = await sealed.where('conversationId').anyOf(conversationIds).uniqueKeys();
    for (const conversationId of waiting) await this.#tryAgain(String(conversationId));
  }

  async #tryAgain(conversationId: string): Promise<void> {
    const { db } = this.work.environment;
    const rows = await db.sealed.where('conversationId').equals(conversationId).toArray();
    rows.sort((a, b) => a.seq - b.seq);
    for (let end = rows.length; end > 0; end -= limits.pullPageSize)
      await this.#openPage(conversationId, rows.slice(Math.max(0, end - limits.pullPageSize), end));
  }

  async #openPage(conversationId: string, rows: SealedRow[]): Promise<void> {
    const { db } = this.work.environment;
    const opened = await this.#reader.open(rows.map(messageOf));
    const found = rows.flatMap((row, index) => {
      const { ciphertext: _, ...arrival } = row;
      const result = opened[index];
      return result && result.status !== 'sealed' ? [{ arrival, opened: result }] : [];
    });
    if (found.length === 0) return;
    const coming = await db.transaction('rw', [...batched(db), db.conversations], async () => {
      const conversation = await db.conversations.get(conversationId);
      if (!conversation) return [];
      // Looked for twice at once, it may stand here already, and have been changed since.
      const waiting = await db.sealed.bulkGet(found.map(({ arrival }) => arrival.id));
      const still = found.filter((_, index) => waiting[index]);
      const batch = await Batch.open(db, still, null);
      for (const one of still) {
        batch.deleteSealed(one.arrival.id);
        applyArrival(batch, conversation, one, this.work.me);
      }
      await batch.store();
      await db.conversations.put(conversation);
      return still;
    });
    this.#tell(conversationId, coming);
  }

  #tell(conversationId: string, coming: readonly Coming[]): void {
    const readable = coming.flatMap(({ arrival: { id }, opened }) =>
      opened.status === 'ok' ? [{ id, content: opened.payload.content }] : [],
    );
    const idsOf = (some: typeof readable) => some.map(({ id }) => id);
    this.on.arrived(conversationId, idsOf(readable));
    const pictured = readable.filter(({ content }) => content.kind === 'text' && content.picture);
    if (pictured.length > 0) this.on.pictured(conversationId, idsOf(pictured));
  }

  /** Others' marks only go forward. What own devices have read, they tell in notes. */
  async takeMarks(marks: Mark[]): Promise<void> {
    const { db } = this.work.environment;
    const others = marks.filter((mark) => mark.senderUserId !== this.work.me.userId);
    for (let start = 0; start < others.length; start += limits.pullPageSize) {
      const page = others.slice(start, start + limits.pullPageSize);
      const said = await this.#reader.openMarks(page);
      if (said.every((one) => one === null)) continue;
      await db.transaction('rw', db.conversations, async () => {
        const ids = [...new Set(page.map((mark) => mark.conversationId))];
        const rows = new Map(
          (await db.conversations.bulkGet(ids)).flatMap((row) => (row ? [[row.conversationId, row]] : [])),
        );
        for (const [index, { conversationId, senderUserId }] of page.entries()) {
          const row = rows.get(conversationId);
          const told = said[index];
          if (!row || !told) continue;
          const before = row.marks[senderUserId] ?? { delivered: 0, read: 0 };
          row.marks[senderUserId] = {
            delivered: Math.max(before.delivered, told.delivered),
            read: Math.max(before.read, told.read),
          };
        }
        await db.conversations.bulkPut([...rows.values()]);
      });
    }
  }
}

/** What waits for this device, and whether more does. */
export type EnvelopePage = Awaited<ReturnType<Inbox['askEnvelopes']>>;

type ComingMessage = Coming & { ciphertext: string };

/** A page of one conversation's messages that was opened, to be stored. */
export interface OpenedPage {
  coming: ComingMessage[];
  /** How often keys had come before. */
  keysBefore: number;
}

const comingOf = (messages: Message[], opened: Opened[]): ComingMessage[] =>
  messages.flatMap((message, index) => {
    const result = opened[index];
    return result ? [{ arrival: arrivalOf(message), opened: result, ciphertext: message.ciphertext }] : [];
  });

function arrivalOf(message: Message): Arrival {
  return {
    id: message.clientId,
    conversationId: message.conversationId,
    seq: message.seq,
    senderId: message.senderUserId,
    senderDeviceId: message.senderDeviceId,
    at: message.at,
  };
}

function messageOf(row: SealedRow): Message {
  const { id, senderId, ...rest } = row;
  return { ...rest, clientId: id, senderUserId: senderId };
}
