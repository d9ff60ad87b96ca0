import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { freePort } from '../../server/http/free-port';
import { dataFolder } from '../data-folder';
import { Tap } from './tap';

/** The built server as an operator runs it, on a folder and ports of its own. */
export class BuiltServer {
  log = '';
  /** Where the built site is; another one takes effect at the next start. */
  siteFolder = process.cwd();
  #child: ChildProcess | null = null;

  private constructor(
    readonly origin: string,
    readonly folder: string,
    /** What passed between browsers and the server. */
    readonly tap: Tap,
    private readonly env: Record<string, string>,
  ) {}

  /** @param data `fresh`: the server sets up its database itself, as at a first start */
  static async start(data: 'fresh' | 'set up' = 'set up'): Promise<BuiltServer> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const folder = data === 'set up' ? await dataFolder() : await mkdtemp(join(tmpdir(), 'aparte-data-'));
    const tap = await Tap.open();
    tap.connectTo(port);
    const server = new BuiltServer(tap.origin, folder, tap, {
      PUBLIC_ORIGIN: tap.origin,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      DATA_DIR: folder,
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
    });
    await server.run();
    return server;
  }

  /** Starts the process and waits until it says that it is ready. */
  async run(): Promise<void> {
    const child = spawn(process.execPath, [join(process.cwd(), 'dist/server/main.js')], {
      cwd: this.siteFolder,
      env: { ...process.env, ...this.env },
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        this.log += chunk;
        if (this.log.includes('is ready')) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${this.log}`)));
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    this.log = this.log.replaceAll('is ready', 'was ready');
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    await this.tap.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Every row of every table, as text. The server must be stopped: one process at a time opens the folder. */
  async dump(): Promise<string> {
    const database = await PGlite.create(join(this.folder, 'postgres'));
    try {
      const tables = await database.query<{ name: string }>(
        "select tablename as name from pg_tables where schemaname = 'public'",
      );
      const dumps = tables.rows.map(async ({ name }) => {
        const { rows } = await database.query(`select row_to_json(t)::text as row from "${name}" t`);
        return `${name}: ${JSON.stringify(rows)}`;
      });
      return (await Promise.all(dumps)).join('\n');
    } finally {
      await database.close();
    }
  }

  /** Every byte that the server has stored, its database's files included. */
  async storedBytes(): Promise<Buffer> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return Buffer.concat(await Promise.all(files.map((file) => readFile(file))));
  }
}
