import type { ErrorCode } from '../../lib/protocol/errors';

export interface Refusal {
  readonly code: ErrorCode;
  /** Within how many ms to come back; undefined leaves it to the device. */
  readonly withinMs: number | undefined;
}

export interface AdmissionLimits {
  /** Most connections at a time. */
  readonly maxConnections: number;
  /** Most upgrades that wait for the database. */
  readonly maxWaiting: number;
  /** Beyond this the event loop is too late to take more. */
  readonly maxLateMs: number;
  /** Most resident memory, in bytes. */
  readonly maxMemoryBytes: number;
}

export interface Load {
  readonly connections: number;
  readonly waiting: number;
  readonly lateMs: number;
  readonly memoryBytes: number;
}

/** Refusals are cheap now and dear later: who comes while it is too much is told when to come back. */
export function refusalFor(load: Load, limits: AdmissionLimits): Refusal | null {
  if (load.connections >= limits.maxConnections || load.memoryBytes >= limits.maxMemoryBytes)
    return { code: 'overloaded', withinMs: 30_000 };
  if (load.lateMs > limits.maxLateMs || load.waiting >= limits.maxWaiting)
    return { code: 'overloaded', withinMs: 10_000 };
  return null;
}

/** So many devices of a node that ends are to come back in a second, wherever they go. */
export const returnsPerSecond = 3_000;

/** Over how long the devices of a node should spread their return, should it die: the more there are, the longer. */
export const spreadMs = (connections: number): number => Math.round((connections / returnsPerSecond) * 1_000);
