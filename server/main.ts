import cluster from 'node:cluster';
import { type Config, ConfigError, readConfig } from './config';
import { startAdmin } from './http/admin';
import { createLog, type Log } from './log';
import { watchProcess } from './metrics/node';
import { metricsPage } from './metrics/page';
import { answerScrapes, workersPage } from './metrics/workers';
import { startServer } from './start';

/** The composition root: reads the environment, starts one node or forks several, and stops them in order. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  if (config.workers > 1 && cluster.isPrimary) await runPrimary(config, log);
  else await runNode(config, log);
}

async function runNode(config: Config, log: Log): Promise<void> {
  const server = await startServer({ ...config, log, onLost: () => process.exit(1) });
  const admin = cluster.isWorker
    ? undefined
    : await startAdmin({
        host: config.adminHost,
        port: config.adminPort,
        ready: () => server.ready(),
        pages: { '/metrics': metricsPage(server.metrics) },
      });
  watchProcess(server.metrics);
  if (cluster.isWorker) answerScrapes(server.metrics);
  onStop(log, async () => {
    await server.close();
    await admin?.close();
  });
  process.send?.('ready');
  log.info({ origin: config.publicOrigin }, 'Aparté is ready.');
}

const shortestRespawnMs = 1_000;
const longestRespawnMs = 30_000;
/** A worker that has lived so long was not ended by what ends every one of them. */
const soundAfterMs = 60_000;

/** Several processes on one port; the kernel deals out the connections. One that dies is started anew. */
async function runPrimary(config: Config, log: Log): Promise<void> {
  const ready = new Set<number>();
  let stopping = false;
  let respawnMs = shortestRespawnMs;
  const fork = () => {
    const worker = cluster.fork();
    const bornAt = performance.now();
    worker.on('message', (message) => message === 'ready' && ready.add(worker.id));
    worker.on('exit', () => {
      ready.delete(worker.id);
      if (stopping) return;
      if (performance.now() - bornAt > soundAfterMs) respawnMs = shortestRespawnMs;
      const delayMs = respawnMs;
      respawnMs = Math.min(2 * respawnMs, longestRespawnMs);
      log.error({ worker: worker.id, delayMs }, 'A worker ended and is started anew.');
      setTimeout(() => !stopping && fork(), delayMs);
    });
  };
  for (let count = 0; count < config.workers; count++) fork();
  const admin = await startAdmin({
    host: config.adminHost,
    port: config.adminPort,
    pages: { '/metrics': workersPage(() => config.workers) },
    ready: async () => {
      if (stopping || ready.size < config.workers) throw new Error('Not every worker is ready.');
    },
  });
  onStop(log, async () => {
    stopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const ended = workers.map(
      (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
    for (const worker of workers) worker.process.kill('SIGTERM');
    await Promise.all(ended);
    await admin.close();
  });
}

/** A second signal while stopping ends the process at once. */
function onStop(log: Log, stop: () => Promise<void>): void {
  let stopping = false;
  const handle = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'Stopping.');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'The stop failed.');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else createLog('error').fatal({ err: error }, 'The start failed.');
  process.exit(1);
});
