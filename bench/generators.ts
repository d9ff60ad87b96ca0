import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { Child } from './child';

const counters = z.object({
  opened: z.number(),
  /** How often the node took no more for the moment; they came back. */
  refused: z.number(),
  ready: z.number(),
  failed: z.number(),
  closed: z.number(),
  sent: z.number(),
  acked: z.number(),
  delivered: z.number(),
  /** Numbers of conversations that devices have seen, each counted once. */
  unique: z.number(),
  twice: z.number(),
  errors: z.number(),
  blocked: z.number(),
  lastCloseCode: z.number(),
  /** Pairs of a bucket's upper end in microseconds and its count. */
  latencies: z.array(z.tuple([z.number(), z.number()])),
});
export type Counters = z.infer<typeof counters>;
const connected = z.object({
  ready: z.number(),
  failed: z.number(),
  closed: z.number(),
  lastCloseCode: z.number(),
  seconds: z.number(),
});
const driven = z.object({
  issued: z.number(),
  expected: z.number(),
  done: z.number(),
  delivered: z.number(),
  seconds: z.number(),
});
export type Driven = z.infer<typeof driven>;

export interface Drive {
  kind: 'send' | 'activity' | 'relay' | 'fan' | 'broadcast' | 'publish' | 'control';
  /** `open`: `perSecond` whatever comes back; `window`: so many under way; `burst`: so many at once, then all waited for. */
  pace: { open: number } | { window: number } | { burst: number };
  seconds: number;
  sizeBytes: number;
  /** Which conversations; for a bare server how many one message reaches, and how many connections there are. */
  from: number;
  to: number;
}

/** Compiles the generator. It is C because a connection must cost it almost nothing: see docs/decisions. */
export function compileGenerator(folder: string): string {
  const sources = join(import.meta.dirname, 'generator');
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  const program = join(folder, 'generator');
  execFileSync('cc', ['-O2', '-o', program, ...files.map((name) => join(sources, name))]);
  return program;
}

export interface GeneratorOptions {
  program: string;
  targets: readonly string[];
  /** Each process has an address of its own to come from, for its own range of ports. */
  number: number;
  origin: string;
  people: string;
  conversations?: string;
  dialect: 'aparte' | 'plain' | 'socket.io';
  core?: number;
}

/** One process of up to 19,900 devices, told what to do line by line. */
export class Generator {
  private constructor(readonly child: Child) {}

  static async start(options: GeneratorOptions): Promise<Generator> {
    const { program, targets, number, origin, people, conversations, dialect, core } = options;
    const child = new Child(
      program,
      [
        ...['--targets', targets.join(','), '--source', `127.1.${number >> 8}.${(number & 255) + 1}`],
        ...['--origin', origin, '--people', people, '--dialect', dialect],
        ...(conversations === undefined ? [] : ['--conversations', conversations]),
      ],
      core === undefined ? {} : { core },
    );
    await child.line('started');
    return new Generator(child);
  }

  async connect(count: number, atOnce: number, seconds: number): Promise<z.infer<typeof connected>> {
    this.child.write(`connect ${count} ${atOnce} ${seconds}`);
    return connected.parse(await this.child.line('connected'));
  }

  control(port: number): void {
    this.child.write(`control 127.0.0.1:${port}`);
  }

  async drive({ kind, pace, seconds, sizeBytes, from, to }: Drive): Promise<Driven> {
    const [name, rate, window] =
      'open' in pace
        ? ['open', pace.open, 0]
        : 'window' in pace
          ? ['window', 0, pace.window]
          : ['burst', 0, pace.burst];
    this.child.write(`drive ${kind} ${name} ${rate} ${window} ${seconds} ${sizeBytes} ${from} ${to}`);
    return driven.parse(await this.child.line('driven'));
  }

  /** Forgets the latencies so far; the other counters go on. */
  reset(): void {
    this.child.write('reset');
  }

  async report(): Promise<Counters> {
    this.child.write('report');
    return counters.parse(await this.child.line('report'));
  }

  quit(): Promise<void> {
    this.child.write('quit');
    return this.child.ended;
  }
}

/** @returns milliseconds under which that share of the latencies lies */
export function latencyAt(reports: readonly Pick<Counters, 'latencies'>[], share: number): number {
  const merged = mergedLatencies(reports);
  const total = merged.reduce((sum, [, count]) => sum + count, 0);
  let passed = 0;
  for (const [us, count] of merged) {
    passed += count;
    if (passed >= total * share) return us / 1000;
  }
  return 0;
}

export function mergedLatencies(
  reports: readonly Pick<Counters, 'latencies'>[],
): [us: number, count: number][] {
  const merged = new Map<number, number>();
  for (const { latencies } of reports)
    for (const [us, count] of latencies) merged.set(us, (merged.get(us) ?? 0) + count);
  return [...merged].sort((a, b) => a[0] - b[0]);
}

export function total(reports: readonly Counters[], key: Exclude<keyof Counters, 'latencies'>): number {
  return reports.reduce((sum, report) => sum + report[key], 0);
}

/** Resolves when nothing has arrived anywhere for a second. What was sent is on its way until then. */
export async function quiet(generators: readonly Generator[]): Promise<Counters[]> {
  let before = -1;
  for (let look = 0; look < 60; look++) {
    const reports = await Promise.all(generators.map((generator) => generator.report()));
    const arrived = total(reports, 'delivered') + total(reports, 'acked');
    if (arrived === before) return reports;
    before = arrived;
    await new Promise<void>((resolve) => setTimeout(resolve, 1_000));
  }
  throw new Error('It does not come to rest.');
}
