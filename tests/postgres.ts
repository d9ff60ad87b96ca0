import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

export interface TestPostgres {
  /** For DATABASE_URL. The database `postgres` is there. */
  readonly url: string;
  /** The same over a socket of the file system, as where server and database share a machine. */
  readonly socketUrl: string;
  /** Another, empty database in the same cluster. */
  createDatabase(name: string): Promise<string>;
  /** Ends Postgres as a power cut would; `start` brings it back with what it had made durable. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Where Debian keeps the programs of its newest Postgres, or undefined where there is none. */
export function postgresBin(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/**
 * A real Postgres of its own in a temporary folder, with its defaults (fsync on), on a free port of the loopback.
 * @param settings such as `max_connections=400`
 */
export async function startPostgres(
  port: number,
  settings: readonly string[] = [],
  { detached = false } = {},
): Promise<TestPostgres> {
  const bin = postgresBin();
  if (bin === undefined) throw new Error('These tests need Postgres: apt-get install postgresql.');
  const folder = await mkdtemp(join(tmpdir(), 'aparte-postgres-'));
  // Postgres refuses to run as root, so root runs it as the user of the distribution's package.
  const as = userInfo().uid === 0 ? await idsOf('postgres') : {};
  if (as.uid !== undefined && as.gid !== undefined) await chown(folder, as.uid, as.gid);
  await chmod(folder, 0o700);
  const data = join(folder, 'data');
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...as,
    cwd: folder,
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server: ChildProcess | undefined;

  const start = async () => {
    const args = ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'];
    args.push(...settings.flatMap((setting) => ['-c', setting]));
    const child = spawn(join(bin, 'postgres'), args, {
      ...as,
      cwd: folder,
      // Then a terminal's Ctrl-C does not reach it: the caller ends it in its turn.
      detached,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    const leave = () => child.kill('SIGKILL');
    process.once('exit', leave);
    child.once('exit', () => process.off('exit', leave));
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr?.on('data', (chunk) => {
        said += String(chunk);
        if (said.includes('is ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`Postgres ended at its start: ${said}`)));
    });
  };
  const end = async (signal: NodeJS.Signals) => {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  };
  await start();
  return {
    url,
    socketUrl: `postgres://postgres@localhost:${port}/postgres?host=${encodeURIComponent(folder)}`,
    start,
    kill: () => end('SIGKILL'),
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`create database ${client.escapeIdentifier(name)}`);
      await client.end();
      return url.replace(/postgres$/, name);
    },
    async stop() {
      await end('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function idsOf(user: string): Promise<{ uid?: number; gid?: number }> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
