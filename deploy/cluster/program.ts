import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program is, as a shell would find it and where distributions put servers, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

export interface ProgramPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly options?: SpawnOptions;
  /** What it writes when it can be used. */
  readonly readyText: string;
  /** What asks it to end in order; SIGTERM unless told otherwise. */
  readonly stopSignal?: NodeJS.Signals;
}

/** A node that finds its database busy takes seconds. */
const readyWithinMs = 60_000;
const keptBytes = 16 * 1024;
/** What does not end when asked is ended. */
const patienceMs = 30_000;

/** One server process that can be ended, killed, frozen and started again. */
export class Program {
  #child: ChildProcess | undefined;
  #output = '';

  constructor(private readonly plan: ProgramPlan) {}

  get name(): string {
    return this.plan.name;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.plan.name} does not run.`);
    return this.#child.pid;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(): Promise<void> {
    const { name, command, args, options, readyText } = this.plan;
    const child = spawn(command, args, {
      ...options,
      // A terminal's Ctrl-C goes to a whole group of processes: these end one after another, when they are told.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#output = '';
    // Whatever ends this process, short of SIGKILL, leaves nothing behind.
    const leave = () => child.kill('SIGKILL');
    process.once('exit', leave);
    child.once('exit', () => process.off('exit', leave));
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        this.#output = (this.#output + String(chunk)).slice(-keptBytes);
        if (this.#output.includes(readyText)) resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('error', reject);
      const late = setTimeout(
        () => reject(new Error(`${name} did not get ready: ${this.#output}`)),
        readyWithinMs,
      );
      late.unref();
      child.once('exit', (code, signal) =>
        reject(new Error(`${name} ended at its start with ${signal ?? code}: ${this.#output}`)),
      );
    });
  }

  async stop(): Promise<void> {
    await this.#end(this.plan.stopSignal ?? 'SIGTERM');
  }

  /** Ends it as a failing machine would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Lets it stand still, as a host does that has no time for it. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
    clearTimeout(late);
  }
}
