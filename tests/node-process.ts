import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../server/http/free-port';

const root = join(import.meta.dirname, '..');

/** A real Redis on the loopback that keeps nothing, and can be ended as by a power cut. */
export class TestRedis {
  #process: ChildProcess | undefined;
  private constructor(readonly port: number) {}

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await freePort());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const redis = spawn('redis-server', ['--port', String(this.port), '--save', '', '--appendonly', 'no']);
    this.#process = redis;
    await new Promise<void>((resolve, reject) => {
      redis.once('error', reject);
      redis.once('exit', () => reject(new Error('Redis ended at its start.')));
      redis.stdout.on('data', (chunk) => String(chunk).includes('Ready to accept') && resolve());
    });
  }

  async stop(): Promise<void> {
    const redis = this.#process;
    this.#process = undefined;
    if (redis === undefined) return;
    await new Promise<void>((resolve) => {
      redis.once('exit', () => resolve());
      redis.kill('SIGKILL');
    });
  }
}

/** A node as `npm start` runs it, in a process of its own. */
export class NodeProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(
    process: ChildProcess,
    readonly port: number,
    readonly adminPort: number,
  ) {
    this.#process = process;
    this.#ended = new Promise((resolve) => process.once('exit', (code) => resolve(code)));
  }

  /** Resolves when it is ready. */
  static async start(env: Record<string, string>, workers = 1): Promise<NodeProcess> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
      cwd: root,
      env: {
        ...process.env,
        NODE_ENV: 'production',
        LOG_LEVEL: 'info',
        ...env,
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
        WORKERS: String(workers),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const node = new NodeProcess(child, port, adminPort);
    let ready = 0;
    await new Promise<void>((resolve, reject) => {
      void node.#ended.then(() => reject(new Error('A node ended at its start.')));
      const said: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => {
        said.push(line);
        if (!line.includes('Aparté is ready')) return;
        ready += 1;
        if (ready === workers) resolve();
      });
    });
    return node;
  }

  get origin(): string {
    return `http://localhost:${this.port}`;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The processes that it has started. */
  workers(): number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return children.trim().split(' ').filter(Boolean).map(Number);
  }

  /** What the operators' port says. */
  async page(path: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}${path}`);
    return { status: answer.status, text: await answer.text() };
  }

  /** @returns the exit code, null after a signal that cannot be handled */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#process.kill(signal);
    return this.#ended;
  }
}
