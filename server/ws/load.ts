import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const everyMs = 250;

/** How late the event loop is and how much memory the process has, looked at four times a second. */
export class LoadGauge {
  /** By how much the last look came too late; a look that is overdue counts already. */
  #lateMs = 0;
  #memoryBytes = 0;
  #dueAt: number;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#dueAt = performance.now() + everyMs;
    this.#timer = setInterval(() => this.#look(), everyMs);
    this.#timer.unref();
    this.#look();
  }

  get lateMs(): number {
    return Math.max(this.#lateMs, performance.now() - this.#dueAt);
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#lateMs = Math.max(0, now - this.#dueAt);
    this.#dueAt = now + everyMs;
    this.#memoryBytes = process.memoryUsage.rss();
  }
}

/** Descriptors kept for what is no device: the database, Redis, files, the operators. */
const spareDescriptors = 512;

/** How many sockets this process may have, by the limit that the system sets; unlimited where it cannot be read. */
export function socketLimit(): number {
  let text: string;
  try {
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux: the system refuses by itself.
    return Number.POSITIVE_INFINITY;
  }
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1];
  if (soft === undefined || soft === 'unlimited') return Number.POSITIVE_INFINITY;
  return Math.max(64, Number(soft) - spareDescriptors);
}

/** Three quarters of what the machine or its container has, shared by the workers. */
export function memoryLimitBytes(workers: number): number {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  return (total * 0.75) / workers;
}
