import type { ActivityKind } from '../protocol/frames';
import type { SignalRow } from './db';
import type { SignalWork } from './work';

/** Others are told at most this often, and believe it a little longer. */
const tellEveryMs = 3_000;
const believeMs = 6_000;
/** What is remembered of what was told or heard stays under this, whatever is sent here. */
const bound = 1_000;

/** Who is typing, recording or calling: told to the people of a conversation, never kept, gone by itself. */
export class Activity {
  readonly #told = new Map<string, number>();
  readonly #expiries = new Map<string, () => void>();

  constructor(private readonly work: SignalWork) {
    const { db, log } = work.environment;
    // An engine that was killed could not take back what it had heard.
    db.activities.clear().catch((error: unknown) => log('activity', error));
  }

  tell(signals: SignalRow[]): void {
    if (signals.length === 0) return;
    const { db, now, log } = this.work.environment;
    for (const { conversationId, kind } of signals) {
      const key = `${conversationId} ${kind}`;
      if (now() - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) continue;
      if (this.#told.size >= bound) this.#told.clear();
      if (this.work.post({ t: 'activity', conversationId, kind })) this.#told.set(key, now());
    }
    db.signals
      .bulkDelete(signals.map((signal) => signal.id))
      .catch((error: unknown) => log('activity', error));
  }

  heard({
    conversationId,
    userId,
    kind,
  }: {
    conversationId: string;
    userId: string;
    kind: ActivityKind;
  }): void {
    const { db, after, log } = this.work.environment;
    const key = `${conversationId} ${userId} ${kind}`;
    if (this.#expiries.size >= bound && !this.#expiries.has(key)) return;
    this.#expiries.get(key)?.();
    const forget = () => {
      this.#expiries.delete(key);
      db.activities.delete([conversationId, userId, kind]).catch((error: unknown) => log('activity', error));
    };
    this.#expiries.set(key, after(believeMs, forget));
    db.activities.put({ conversationId, userId, kind }).catch((error: unknown) => log('activity', error));
  }

  stop(): void {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }
}
