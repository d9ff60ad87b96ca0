import { limits } from '../protocol/limits';
import type { IncomingEnvelope, Mark, Message } from '../protocol/messages';
import { type Arrival, applyArrival, type Opened } from './apply';
import { Batch } from './batch';
import { type MarkPayload, markPayload, type Payload, payload } from './content';
import type { ConversationRow, SealedRow } from './db';
import { wishMark } from './intents';
import { takeNotes } from './notes';
import { lastMessages } from './queries';
import { settleOwn } from './settle';
import type { Work } from './work';

/** In larger conversations nobody is told that a message has arrived, only that it was read. */
const deliveredMarksUpTo = 8;
/** Nodes' clocks may differ by this. */
const backdatedMs = 60_000;

/** Stores messages that follow the cursor, in order. What does not follow is left to a pull. */
export class Inbox {
  /** Envelopes already fed in this run: a frame and a pull may both bring one. */
  readonly #fed = new Set<number>();
  /** How often keys came: what was found sealed before the last time is tried once more after it is stored. */
  #keysCame = 0;

  constructor(private readonly work: Work) {}

  /** Feeds envelopes that a frame brought, then lets the server delete them. */
  async takeEnvelopes(envelopes: IncomingEnvelope[]): Promise<void> {
    await this.#feed(envelopes);
    // Only now: an envelope that the machine has not stored must stay on the server. A lost ack costs a second feed.
    const ids = envelopes.map((envelope) => envelope.id);
    if (ids.length > 0) this.work.post({ t: 'ack', ids });
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
    this.#bound();
    for (const conversationId of newKeysFor) await this.openSealed(conversationId);
  }

  #bound(): void {
    for (const id of this.#fed) {
      if (this.#fed.size <= 5_000) return;
      this.#fed.delete(id);
    }
  }

  /**
   * Pulls what waits for this device, oldest first, until nothing does. Always from the start: ids of different
   * senders may become visible out of order, and what was fed is acknowledged before the next page is asked for.
   */
  async pullEnvelopes(): Promise<void> {
    const { envelopes: api } = this.work.environment.api;
    for (;;) {
      const { envelopes } = await api.pull.query({ after: 0, limit: limits.envelopePageSize });
      await this.#feed(envelopes);
      if (envelopes.length > 0) await api.ack.mutate({ ids: envelopes.map((envelope) => envelope.id) });
      if (envelopes.length < limits.envelopePageSize) return;
    }
  }

  /** Pulls a conversation up to its last message. */
  async pullConversation(conversationId: string): Promise<void> {
    const { db, api } = this.work.environment;
    for (;;) {
      const conversation = await db.conversations.get(conversationId);
      if (!conversation) return;
      const { messages, lastSeq } = await api.messages.pull.query({
        conversationId,
        after: conversation.cursor,
        limit: limits.pullPageSize,
      });
      await this.takeMessages(messages);
      if (messages.length === 0 || (messages.at(-1)?.seq ?? 0) >= lastSeq) return;
    }
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

    // Opening awaits the machine, which no transaction would survive; so first all are opened, then all stored.
    const before = this.#keysCame;
    const opened: Opened[] = [];
    for (const message of fresh)
      opened.push((await this.#isBackdated(message)) ? { status: 'refused' } : await this.#open(message));
    await db.transaction(
      'rw',
      [db.conversations, db.messages, db.people, db.orphans, db.sealed, db.outbox, db.activities],
      async () => {
        const conversation = await db.conversations.get(first.conversationId);
        if (!conversation) return;
        const batch = await Batch.open(
          db,
          fresh.map((message) => message.clientId),
        );
        for (const [index, message] of fresh.entries()) {
          const result = opened[index];
          if (message.seq !== conversation.cursor + 1 || !result) continue;
          await this.#store(batch, conversation, message, result);
          conversation.cursor = message.seq;
          conversation.lastSeq = Math.max(conversation.lastSeq, message.seq);
        }
        await batch.store();
        // Who has said it types no more, nor records; a call goes on.
        for (const senderId of new Set(fresh.map((message) => message.senderUserId)))
          for (const kind of ['typing', 'recording'] as const)
            await db.activities.delete([first.conversationId, senderId, kind]);
        await db.conversations.put(conversation);
        await this.#acknowledge(conversation, fresh);
      },
    );
    const keyless = opened.some((result) => result.status === 'sealed');
    if (keyless && before !== this.#keysCame) await this.openSealed(first.conversationId);
    return keyless ? 'keyless' : 'stored';
  }

  /** Stores messages from before this device joined, none of which it has, all after `after`. */
  async takeHistory(conversationId: string, messages: Message[], after: number): Promise<void> {
    const { db } = this.work.environment;
    const before = this.#keysCame;
    const opened: Opened[] = [];
    for (const message of messages) opened.push(await this.#open(message));
    await db.transaction(
      'rw',
      [db.conversations, db.messages, db.people, db.orphans, db.sealed, db.outbox],
      async () => {
        const conversation = await db.conversations.get(conversationId);
        if (!conversation) return;
        const batch = await Batch.open(
          db,
          messages.map((message) => message.clientId),
        );
        for (const [index, message] of messages.entries()) {
          const result = opened[index];
          if (result && message.seq <= (conversation.historySeq ?? 0))
            await this.#store(batch, conversation, message, result);
        }
        await batch.store();
        conversation.historySeq = after;
        await db.conversations.put(conversation);
      },
    );
    if (before !== this.#keysCame) await this.openSealed(conversationId);
  }

  async #store(batch: Batch, conversation: ConversationRow, message: Message, opened: Opened): Promise<void> {
    const { db } = this.work.environment;
    const arrival = arrivalOf(message);
    if (arrival.senderDeviceId === this.work.me.deviceId) {
      // The answer to our own send was lost, or this came first.
      if (await settleOwn(db, batch, conversation, arrival, this.work.me.userId)) return;
    }
    if (opened.status === 'sealed') batch.putSealed({ ...arrival, ciphertext: message.ciphertext });
    await applyArrival(batch, conversation, arrival, opened, this.work.me.userId);
  }

  async #acknowledge(conversation: ConversationRow, fresh: Message[]): Promise<void> {
    const others = fresh.some((message) => message.senderUserId !== this.work.me.userId);
    if (!others || conversation.myState !== 'active') return;
    if (conversation.members.length > deliveredMarksUpTo) return;
    const { db, now, newId } = this.work.environment;
    await wishMark({ db, now, newId }, conversation.conversationId);
  }

  async #open(message: Message): Promise<Opened> {
    const { machine, me } = this.work;
    if (message.senderDeviceId === me.deviceId) {
      const own = await this.work.environment.db.messages.get(message.clientId);
      if (own) return { status: 'invalid' };
    }
    const result = await machine.open({ ...message, messageId: message.clientId });
    if (result.status === 'missing_key') return { status: 'sealed' };
    if (result.status === 'revoked') return { status: 'refused' };
    if (result.status !== 'ok') return { status: 'invalid' };
    const parsed = payload.safeParse(parseJson(result.plaintext));
    if (!parsed.success) return { status: 'invalid' };
    const { id, conversationId } = parsed.data;
    if (id !== message.clientId || conversationId !== message.conversationId) return { status: 'invalid' };
    await this.#learnRevoked(message.senderUserId, parsed.data.revoked);
    return { status: 'ok', payload: parsed.data };
  }

  /** Said by the sender's own device: a server that keeps the list from us cannot keep this. */
  async #learnRevoked(userId: string, said: Payload['revoked']): Promise<void> {
    const { machine } = this.work;
    const fresh = said?.filter(({ deviceId }) => !machine.revocationOf(userId, deviceId)) ?? [];
    if (fresh.length > 0) await machine.learnRevocations(userId, fresh);
  }

  /** A device that is shut out could be given an earlier time by the server; but times in a conversation only rise. */
  async #isBackdated(message: Message): Promise<boolean> {
    if (!this.work.machine.revocationOf(message.senderUserId, message.senderDeviceId)) return false;
    const [last] = await lastMessages(this.work.environment.db, message.conversationId, 1);
    return last !== undefined && last.seq !== null && message.at < last.at - backdatedMs;
  }

  /** Tries all again: an earlier run may have ended between a key and what waited for it. */
  async openAllSealed(): Promise<void> {
    const waiting = await this.work.environment.db.sealed.orderBy('conversationId').uniqueKeys();
    for (const conversationId of waiting) await this.openSealed(String(conversationId));
  }

  /** Tries again what came before its key. */
  async openSealed(conversationId: string): Promise<void> {
    this.#keysCame += 1;
    const { db } = this.work.environment;
    const rows = await db.sealed.where('conversationId').equals(conversationId).toArray();
    rows.sort((a, b) => a.seq - b.seq);
    for (let start = 0; start < rows.length; start += limits.pullPageSize)
      await this.#openPage(conversationId, rows.slice(start, start + limits.pullPageSize));
  }

  async #openPage(conversationId: string, rows: SealedRow[]): Promise<void> {
    const { db } = this.work.environment;
    const opened: { row: SealedRow; result: Opened }[] = [];
    for (const row of rows) {
      const result = await this.#open(messageOf(row));
      if (result.status !== 'sealed') opened.push({ row, result });
    }
    if (opened.length === 0) return;
    await db.transaction(
      'rw',
      [db.conversations, db.messages, db.people, db.orphans, db.sealed],
      async () => {
        const conversation = await db.conversations.get(conversationId);
        if (!conversation) return;
        const batch = await Batch.open(
          db,
          opened.map(({ row }) => row.id),
        );
        for (const { row, result } of opened) {
          const { ciphertext: _, ...arrival } = row;
          batch.deleteSealed(row.id);
          await applyArrival(batch, conversation, arrival, result, this.work.me.userId);
        }
        await batch.store();
        await db.conversations.put(conversation);
      },
    );
  }

  /** Others' marks only go forward. What own devices have read, they tell in notes. */
  async takeMark(mark: Mark): Promise<void> {
    const { db } = this.work.environment;
    if (mark.senderUserId === this.work.me.userId) return;
    const said = await this.#openMark(mark);
    if (!said) return;
    await db.transaction('rw', db.conversations, async () => {
      const conversation = await db.conversations.get(mark.conversationId);
      if (!conversation) return;
      const before = conversation.marks[mark.senderUserId] ?? { delivered: 0, read: 0 };
      conversation.marks[mark.senderUserId] = {
        delivered: Math.max(before.delivered, said.delivered),
        read: Math.max(before.read, said.read),
      };
      await db.conversations.put(conversation);
    });
  }

  async #openMark(mark: Mark): Promise<MarkPayload | null> {
    const result = await this.work.machine.open({ ...mark, messageId: mark.clientId });
    if (result.status !== 'ok') return null;
    const parsed = markPayload.safeParse(parseJson(result.plaintext));
    if (!parsed.success || parsed.data.conversationId !== mark.conversationId) return null;
    await this.#learnRevoked(mark.senderUserId, parsed.data.revoked);
    return parsed.data;
  }
}

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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a payload: the schema refuses `undefined` like any other wrong form.
    return undefined;
  }
}
