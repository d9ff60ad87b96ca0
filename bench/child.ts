import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as z from 'zod';

const event = z.looseObject({ event: z.string() });

export interface ChildOptions {
  /** Runs on this core only. */
  core?: number;
  env?: NodeJS.ProcessEnv;
  /** Whether it speaks over Node's channel instead of lines. */
  node?: boolean;
}

/** A process of a measurement: says things line by line in JSON, or as messages, and is looked at through /proc. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting: { name: string; resolve: (line: unknown) => void; reject: (error: Error) => void }[] =
    [];
  readonly ended: Promise<void>;
  #messages: unknown[] = [];
  #wanted: ((message: unknown) => void)[] = [];
  #said = '';

  constructor(program: string, args: readonly string[], { core, env, node = false }: ChildOptions = {}) {
    const [command, ...words] =
      core === undefined ? [program, ...args] : ['taskset', '-c', String(core), program, ...args];
    const child = spawn(command ?? program, words, {
      env: { ...process.env, ...env },
      stdio: node ? ['ignore', 'ignore', 'inherit', 'ipc'] : ['pipe', 'pipe', 'inherit'],
    });
    this.#process = child;
    child.stdout?.on('data', (chunk) => this.#read(String(chunk)));
    child.on('message', (message) => {
      const want = this.#wanted.shift();
      if (want === undefined) this.#messages.push(message);
      else want(message);
    });
    this.ended = new Promise((resolve) => {
      child.once('exit', (code) => {
        for (const { name, reject } of this.#waiting)
          reject(new Error(`A process ended (${code}) before it said "${name}".`));
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  send(message: object): void {
    this.#process.send?.(message);
  }

  /** The next line whose event has that name. */
  line(name: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#process.exitCode !== null) reject(new Error('The process has ended.'));
      else this.#waiting.push({ name, resolve, reject });
    });
  }

  /** The next message over Node's channel. */
  message(): Promise<unknown> {
    if (this.#messages.length > 0) return Promise.resolve(this.#messages.shift());
    return new Promise((resolve, reject) => {
      this.#wanted.push(resolve);
      void this.ended.then(() => reject(new Error('A server ended before it was ready.')));
    });
  }

  /** Resolves once its output holds this text; for programs that do not speak JSON. */
  said(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let output = '';
      this.#process.stdout?.removeAllListeners('data').on('data', (chunk) => {
        output = (output + String(chunk)).slice(-10_000);
        if (output.includes(text)) resolve();
      });
      void this.ended.then(() => reject(new Error(`A program ended before it said "${text}".`)));
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.ended;
  }

  /** Bytes in memory. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Seconds of a core that it has used. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  #read(chunk: string): void {
    this.#said += chunk;
    const lines = this.#said.split('\n');
    this.#said = lines.pop() ?? '';
    for (const line of lines) {
      const value = event.parse(JSON.parse(line));
      const at = this.#waiting.findIndex((one) => one.name === value.event);
      if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(value);
    }
  }
}

const ticksPerSecond = 100;

export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Keeps this process, and what it starts from now on, to one core. */
export function pinSelf(core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(process.pid)], { stdio: 'ignore' });
}
