import type { Message } from '../protocol/messages';
import type { Api } from './api';

/** All messages after a number and up to another, in order; one answer may hold fewer. */
export async function pullRange(
  api: Api,
  conversationId: string,
  after: number,
  until: number,
): Promise<Message[]> {
  const found: Message[] = [];
  for (let from = after; from < until; ) {
    const { messages } = await api.messages.pull.query({ conversationId, after: from, limit: until - from });
    const last = messages.at(-1);
    if (!last) break;
    found.push(...messages);
    from = last.seq;
  }
  return found;
}
