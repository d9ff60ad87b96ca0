import type { SignalRow } from './db';
import type { Work } from './work';

/** Others are told at most this often, and believe it a little longer. */
const tellEveryMs = 3_000;
const believeMs = 6_000;

/** Who is typing: told to the people of a conversation, never kept, gone by itself. */
export class Typing {
  readonly #told = new Map<string, number>();
  readonly #expiries = new Map<string, () => void>();

  constructor(private readonly work: Work) {}

  tell(signals: SignalRow[]): void {
    if (signals.length === 0) return;
    const { db, now, log } = this.work.environment;
    for (const { conversationId } of signals) {
      if (now() - (this.#told.get(conversationId) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) continue;
      if (this.#told.size > 100) this.#told.clear();
      this.#told.set(conversationId, now());
      this.work.post({ t: 'typing', conversationId });
    }
    db.signals.bulkDelete(signals.map((signal) => signal.id)).catch((error: unknown) => log('typing', error));
  }

  heard(conversationId: string, userId: string): void {
    const { db, now, after, log } = this.work.environment;
    const key = `${conversationId} ${userId}`;
    this.#expiries.get(key)?.();
    const forget = () => {
      this.#expiries.delete(key);
      db.typing.delete([conversationId, userId]).catch((error: unknown) => log('typing', error));
    };
    this.#expiries.set(key, after(believeMs, forget));
    db.typing
      .put({ conversationId, userId, expiresAt: now() + believeMs })
      .catch((error: unknown) => log('typing', error));
  }

  stop(): void {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }
}
