import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import * as z from 'zod';
import { DurableNodeFs, durableStartParams } from './durable-nodefs';
import { prepareFolder } from './embedded-folder';
import { type FromWorker, type ToWorker, toWorker } from './embedded-messages';
import { endsIdle, WireGroups } from './wire-groups';

// Postgres in a thread of its own: a heavy query must not stop the sockets. One backend, one command at a time.
if (parentPort === null) throw new Error('The embedded database runs in a worker thread.');
const port = parentPort;

/** Single-user Postgres has neither checkpointer nor autovacuum: this much log makes them due. */
const maintenanceBytes = 64 * 1024 * 1024;
/** Due maintenance waits for a pause, but not for ever. */
const overdueBytes = 4 * maintenanceBytes;

const { folder } = z.object({ folder: z.string() }).parse(workerData);

let failure: Error | undefined;
const fail = (error: Error) => {
  failure ??= error;
};
const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

await prepareFolder(folder);
const files = new DurableNodeFs(folder, fail);
const database = await PGlite.create({
  fs: files,
  startParams: [...durableStartParams],
  // PGlite swallows the end of its own process, so a panic is told by its log line only.
  onStderr: (line) => {
    if (/\bPANIC: /.test(line)) fail(new Error('The embedded database stopped itself.'));
    return false;
  },
});

let connection = 0;
let groups = new WireGroups();
let idle = true;
let maintainedAtBytes = 0;

const waiting: ToWorker[] = [];
let draining = false;

port.on('message', (received: unknown) => {
  waiting.push(toWorker.parse(received));
  if (!draining) {
    draining = true;
    drain().catch((error: unknown) => stop(error instanceof Error ? error : new Error(String(error))));
  }
});
post({ kind: 'ready' });

async function drain(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    await handle(next);
    if (failure !== undefined) return stop(failure);
  }
  draining = false;
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'connect':
      connection = message.connection;
      groups = new WireGroups();
      // There is one backend for ever: what an earlier connection left open or set ends here.
      if (!idle) await database.exec('rollback');
      await database.exec('discard all');
      idle = true;
      return;
    case 'bytes':
      if (message.connection !== connection) return;
      for (const group of groups.push(message.bytes)) await execute(group);
      return maintainIfDue();
    case 'close':
      await database.close();
      post({ kind: 'closed' });
      port.close();
      return;
  }
}

async function execute(group: Uint8Array): Promise<void> {
  let tail = new Uint8Array(0);
  // Answers are held back until Postgres is done, so that none leaves after a failed fsync.
  const answers: Uint8Array<ArrayBuffer>[] = [];
  await database.execProtocolRawStream(group, {
    syncToFs: false,
    onRawData: (view) => {
      const bytes = Uint8Array.from(view);
      answers.push(bytes);
      tail = bytes.length >= 6 ? bytes.slice(-6) : Uint8Array.of(...tail, ...bytes).slice(-6);
    },
  });
  if (failure !== undefined) return;
  if (tail.length > 0) idle = endsIdle(tail);
  for (const bytes of answers) post({ kind: 'bytes', connection, bytes }, [bytes.buffer]);
}

async function maintainIfDue(): Promise<void> {
  const written = files.walBytes - maintainedAtBytes;
  if (failure !== undefined || !idle || written < maintenanceBytes) return;
  if (waiting.length > 0 && written < overdueBytes) return;
  // Postgres reports its counts once a second at most; a busy table must not be missed for that.
  await database.exec('select pg_stat_force_next_flush()');
  // The thresholds are autovacuum's own; inserts count too, or a table that only grows would never be frozen.
  const due = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, relname) as name from pg_stat_all_tables
     where schemaname <> 'pg_toast'
       and greatest(n_dead_tup, n_ins_since_vacuum) > 1000 + 0.2 * n_live_tup`,
  );
  for (const table of due.rows) await database.exec(`vacuum (analyze) ${table.name}`);
  await database.exec('checkpoint');
  maintainedAtBytes = files.walBytes;
}

function stop(error: Error): void {
  post({ kind: 'failed', message: error.message });
  // Not closed: a checkpoint now would build on what the disk may have lost. Recovery reads the log instead.
  port.close();
  process.exit(1);
}
