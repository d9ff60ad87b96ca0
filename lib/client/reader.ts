import type { OpenResult } from '../crypto/types';
import type { Mark, Message } from '../protocol/messages';
import type { Opened } from './apply';
import { type MarkPayload, markPayload, type Payload, payload } from './content';
import { lastMessagesUpTo } from './queries';
import type { Work } from './work';

/** Nodes' clocks may differ by this. */
const backdatedMs = 60_000;

/** Opens what arrives, a page at a time, and decides what of it is believed. */
export class Reader {
  constructor(private readonly work: Work) {}

  /**
   * @param messages of one conversation, in order
   * @returns in the order of the messages
   */
  async open(messages: Message[]): Promise<Opened[]> {
    const { machine, environment, me } = this.work;
    const own = messages
      .filter((message) => message.senderDeviceId === me.deviceId)
      .map((one) => one.clientId);
    const here = new Set(
      own.length === 0 ? [] : (await environment.db.messages.bulkGet(own)).flatMap((row) => row?.id ?? []),
    );
    const backdated = await this.#backdated(messages);
    const wanted = messages.filter((message) => !here.has(message.clientId) && !backdated.has(message));
    const results = await machine.openAll(
      wanted.map((message) => ({ ...message, messageId: message.clientId })),
    );
    const found = new Map(wanted.map((message, index) => [message, results[index]]));
    const opened: Opened[] = [];
    for (const message of messages) {
      const result = found.get(message);
      if (backdated.has(message)) opened.push({ status: 'refused' });
      else opened.push(result ? await this.#read(message, result) : { status: 'invalid' });
    }
    return opened;
  }

  async #read(message: Message, result: OpenResult): Promise<Opened> {
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

  /** @returns what was in each of them, in their order; `null`: nothing that is believed */
  async openMarks(marks: Mark[]): Promise<(MarkPayload | null)[]> {
    const results = await this.work.machine.openAll(
      marks.map((mark) => ({ ...mark, messageId: mark.clientId })),
    );
    const said: (MarkPayload | null)[] = [];
    for (const [index, mark] of marks.entries()) {
      const result = results[index];
      const parsed = markPayload.safeParse(result?.status === 'ok' ? parseJson(result.plaintext) : undefined);
      const believed = parsed.success && parsed.data.conversationId === mark.conversationId;
      if (believed) await this.#learnRevoked(mark.senderUserId, parsed.data.revoked);
      said.push(believed ? parsed.data : null);
    }
    return said;
  }

  /** Said by the sender's own device: a server that keeps the list from us cannot keep this. */
  async #learnRevoked(userId: string, said: Payload['revoked']): Promise<void> {
    const { machine } = this.work;
    const fresh: typeof said = [];
    for (const one of said ?? []) if (!(await machine.revocationOf(userId, one.deviceId))) fresh.push(one);
    if (fresh.length > 0) await machine.learnRevocations(userId, fresh);
  }

  /**
   * A device that is shut out could be given an earlier time by the server; but times in a conversation only rise.
   * @returns those that came earlier than what stands before them
   */
  async #backdated(messages: Message[]): Promise<Set<Message>> {
    const found = new Set<Message>();
    const revoked = new Set<Message>();
    for (const message of messages)
      if (await this.work.machine.revocationOf(message.senderUserId, message.senderDeviceId))
        revoked.add(message);
    if (revoked.size === 0 || !messages[0]) return found;
    const { conversationId, seq } = messages[0];
    const [before] = await lastMessagesUpTo(this.work.environment.db, conversationId, seq - 1, 1);
    let latest = before?.at ?? 0;
    for (const message of messages) {
      if (revoked.has(message) && message.at < latest - backdatedMs) found.add(message);
      latest = Math.max(latest, message.at);
    }
    return found;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a payload: the schema refuses `undefined` like any other wrong form.
    return undefined;
  }
}
