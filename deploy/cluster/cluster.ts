import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../server/http/free-port';
import { postgresBin, startPostgres, type TestPostgres } from '../../tests/postgres';
import { findProgram, Program } from './program';

export interface ClusterOptions {
  /** Where NGINX listens; a free port unless told otherwise. */
  readonly port?: number;
  readonly nodes?: number;
  /** As in prometheus.yml and rules.yml unless told otherwise, in seconds. The rules' expressions stay as they are. */
  readonly scrapeSeconds?: number;
  readonly alertAfterSeconds?: number;
  /** Further environment of the nodes. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClusterNode extends Pick<Program, 'pid' | 'start' | 'stop' | 'kill' | 'freeze' | 'thaw'> {
  /** Its own address, past NGINX. */
  readonly origin: string;
  readonly metricsUrl: string;
  /** As Prometheus names it. */
  readonly instance: string;
}

export interface Cluster {
  /** NGINX: what browsers open. */
  readonly origin: string;
  readonly prometheusUrl: string;
  readonly nodes: readonly ClusterNode[];
  readonly redis: Program;
  readonly postgres: TestPostgres;
  /** Ends everything, the nodes first, and removes what was written. */
  stop(): Promise<void>;
}

/** A program that this cluster needs is not installed. */
export class MissingPrograms extends Error {}

const deploy = join(import.meta.dirname, '..');
const server = join(deploy, '../dist/server/main.js');

/** The shape of compose.yaml from installed programs, on ports of the loopback and in a temporary folder. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const programs = foundPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'aparte-cluster-'));
  // NGINX' workers and Postgres may run as users of their own.
  await chmod(folder, 0o755);
  const running: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const one of running.splice(0).reverse()) await one.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const started = async <Part extends { start(): Promise<void>; stop(): Promise<void> }>(part: Part) => {
    running.push(part);
    await part.start();
    return part;
  };
  try {
    const postgres = await startPostgres(await freePort(), [], { detached: true });
    running.push(postgres);
    const redisPort = await freePort();
    const redis = await started(redisProgram(programs.redis, redisPort, folder));
    const port = options.port ?? (await freePort());
    const env = {
      PUBLIC_ORIGIN: `http://localhost:${port}`,
      DATABASE_URL: postgres.url,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      ...options.env,
    };
    const nodes: ClusterNode[] = [];
    for (let number = 1; number <= (options.nodes ?? 3); number++)
      nodes.push(await started(await nodeProgram(number, env)));
    const prometheusPort = await freePort();
    await started(await prometheusProgram(programs.prometheus, prometheusPort, folder, nodes, options));
    await started(await nginxProgram(programs.nginx, port, folder, nodes));
    return {
      origin: `http://localhost:${port}`,
      prometheusUrl: `http://127.0.0.1:${prometheusPort}`,
      nodes,
      redis,
      postgres,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function foundPrograms() {
  const [redis, prometheus, nginx] = ['redis-server', 'prometheus', 'nginx'].map(findProgram);
  const missing = [
    ...(redis === undefined ? ['redis-server'] : []),
    ...(prometheus === undefined ? ['prometheus'] : []),
    ...(nginx === undefined ? ['nginx'] : []),
    ...(postgresBin() === undefined ? ['postgresql'] : []),
  ];
  if (redis === undefined || prometheus === undefined || nginx === undefined || missing.length > 0)
    throw new MissingPrograms(
      `Not installed: ${missing.join(', ')}. On Debian: apt-get install ${missing.join(' ')}.`,
    );
  return { redis, prometheus, nginx };
}

function redisProgram(command: string, port: number, folder: string): Program {
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: folder };
  return new Program({
    name: 'Redis',
    command,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    readyText: 'Ready to accept connections',
  });
}

async function nodeProgram(number: number, env: Record<string, string>): Promise<ClusterNode> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const program = new Program({
    name: `node ${number}`,
    command: process.execPath,
    args: ['--enable-source-maps', server],
    options: {
      cwd: join(deploy, '..'),
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
        ...env,
      },
    },
    readyText: 'is ready',
  });
  const instance = `127.0.0.1:${adminPort}`;
  return Object.assign(program, {
    origin: `http://127.0.0.1:${port}`,
    metricsUrl: `http://${instance}/metrics`,
    instance,
  });
}

async function prometheusProgram(
  command: string,
  port: number,
  folder: string,
  nodes: readonly ClusterNode[],
  { scrapeSeconds, alertAfterSeconds }: ClusterOptions,
): Promise<Program> {
  const [config, rules] = await Promise.all(
    ['prometheus.yml', 'rules.yml'].map((name) => readFile(join(deploy, 'prometheus', name), 'utf8')),
  );
  const targets = nodes.map((node) => `'${node.instance}'`).join(', ');
  let text = (config ?? '').replace(/targets: \[.*\]/, `targets: [${targets}]`);
  if (scrapeSeconds !== undefined)
    text = text.replace(/^( {2}\w+_(?:interval|timeout)): \d+s$/gm, `$1: ${scrapeSeconds}s`);
  const waits = alertAfterSeconds === undefined ? '$1' : `        for: ${alertAfterSeconds}s`;
  await writeFile(join(folder, 'prometheus.yml'), text);
  await writeFile(join(folder, 'rules.yml'), (rules ?? '').replace(/^( {8}for: \w+)$/gm, waits));
  return new Program({
    name: 'Prometheus',
    command,
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    readyText: 'Server is ready to receive web requests',
  });
}

async function nginxProgram(
  command: string,
  port: number,
  folder: string,
  nodes: readonly ClusterNode[],
): Promise<Program> {
  const home = join(folder, 'nginx');
  await mkdir(join(home, 'conf.d'), { recursive: true });
  await cp(join(deploy, 'nginx/nginx.conf'), join(home, 'nginx.conf'));
  const template = await readFile(join(deploy, 'nginx/aparte.conf.template'), 'utf8');
  const servers = nodes.map((node) => `server ${new URL(node.origin).host};`).join(' ');
  await writeFile(
    join(home, 'conf.d/aparte.conf'),
    template.replace(/\$\{APARTE_LISTEN\}/g, `127.0.0.1:${port}`).replace(/\$\{APARTE_NODES\}/g, servers),
  );
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(home, 'conf.d/folders.conf'),
    kinds.map((kind) => `${kind}_temp_path ${join(home, kind)};\n`).join(''),
  );
  return new Program({
    name: 'NGINX',
    command,
    args: [
      '-p',
      home,
      '-c',
      join(home, 'nginx.conf'),
      '-g',
      `daemon off; pid ${join(home, 'pid')}; error_log stderr notice;`,
    ],
    readyText: 'start worker process',
  });
}
