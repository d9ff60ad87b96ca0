import type { CryptoMachine, SealedMessage, Sealing } from '../crypto/types';
import { cryptoBoundsMs, maxFigure, type Figures as Report } from '../protocol/figures';
import type { SignalWork } from './work';

/** Rarely enough that a report says nothing of when somebody wrote. */
const reportEveryMs = 10 * 60_000;

/**
 * Counts how long encryption takes, for an operator who watches, if the owner agreed; otherwise it counts nothing.
 * What was counted is kept in memory only, told as numbers by slot, and forgotten.
 */
export class Figures {
  #shared = false;
  #report = emptyReport();
  #cancel: (() => void) | null = null;

  constructor(private readonly work: Pick<SignalWork, 'environment' | 'post' | 'online'>) {}

  /** The same machine, with its sealing and opening of messages counted. */
  measured(machine: CryptoMachine): CryptoMachine {
    return new Proxy(machine, {
      get: (target, name) => {
        if (name === 'seal') return this.#timed((sealing: Sealing) => target.seal(sealing), 'encryptions');
        if (name === 'open')
          return this.#timed(async (message: SealedMessage) => {
            const result = await target.open(message);
            if (result.status === 'invalid' || result.status === 'untrusted') this.#failed();
            return result;
          }, 'decryptions');
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** Whether the owner agrees; without it nothing is counted, and what was counted is forgotten. */
  share(shared: boolean): void {
    if (shared === this.#shared) return;
    this.#shared = shared;
    this.#report = emptyReport();
    this.stop();
    if (shared) this.#wait();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #timed<Asked, Answer>(
    call: (asked: Asked) => Promise<Answer>,
    kind: 'encryptions' | 'decryptions',
  ): (asked: Asked) => Promise<Answer> {
    return async (asked) => {
      const { now } = this.work.environment;
      const start = now();
      const answer = await call(asked);
      if (this.#shared) countIn(this.#report[kind], now() - start);
      return answer;
    };
  }

  #failed(): void {
    if (this.#shared && this.#report.decryptionFailures < maxFigure) this.#report.decryptionFailures += 1;
  }

  #wait(): void {
    this.#cancel = this.work.environment.after(reportEveryMs, () => {
      const said = [...this.#report.encryptions, ...this.#report.decryptions].some((count) => count > 0);
      if (said && this.work.online() && this.work.post({ t: 'figures', figures: this.#report }))
        this.#report = emptyReport();
      this.#wait();
    });
  }
}

function emptyReport(): Report {
  const zeros = () => Array.from({ length: cryptoBoundsMs.length + 1 }, () => 0);
  return { encryptions: zeros(), decryptions: zeros(), decryptionFailures: 0 };
}

/** A clock that was set meanwhile makes a time below zero: that one is left out. */
function countIn(counts: number[], ms: number): void {
  if (ms < 0) return;
  const above = cryptoBoundsMs.findIndex((bound) => ms <= bound);
  const slot = above < 0 ? cryptoBoundsMs.length : above;
  counts[slot] = Math.min((counts[slot] ?? 0) + 1, maxFigure);
}
