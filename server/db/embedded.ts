import { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { fromWorker, type ToWorker } from './embedded-messages';

export interface EmbeddedDatabase {
  /** A fresh byte stream to Postgres, for `pg`; one at a time, since there is one backend. */
  stream(): Duplex;
  close(): Promise<void>;
}

/**
 * Starts Postgres in a worker thread on `folder`, which the caller has locked.
 * `onLost` is told once when the database has stopped by itself; from then on every query fails.
 */
export async function openEmbedded(
  folder: string,
  onLost: (error: Error) => void,
): Promise<EmbeddedDatabase> {
  const worker = startWorker(folder);
  let state: 'starting' | 'open' | 'closing' | 'lost' = 'starting';
  let current: WireStream | undefined;
  let connections = 0;
  const ready = deferred();
  const ended = deferred();

  const lose = (error: Error) => {
    const before = state;
    if (before === 'lost' || before === 'closing') return;
    state = 'lost';
    if (before === 'starting') ready.reject(error);
    current?.destroy(error);
    if (before === 'open') onLost(error);
  };
  worker.on('message', (received: unknown) => {
    const message = fromWorker.parse(received);
    switch (message.kind) {
      case 'ready':
        state = 'open';
        return ready.resolve();
      case 'bytes':
        if (current?.connection === message.connection) current.push(message.bytes);
        return;
      case 'failed':
        return lose(new Error(message.message));
      case 'closed':
        return;
    }
  });
  worker.on('error', (cause) => lose(new Error('The embedded database failed.', { cause })));
  worker.on('exit', () => {
    lose(new Error('The embedded database ended unexpectedly.'));
    ended.resolve();
  });
  await ready.promise;

  return {
    stream() {
      current?.destroy();
      connections += 1;
      current = new WireStream(connections, (message) => {
        if (state === 'open') worker.postMessage(message);
        else current?.destroy(new Error('The embedded database is not running.'));
      });
      return current;
    },
    async close() {
      if (state === 'open') {
        state = 'closing';
        current?.destroy();
        worker.postMessage({ kind: 'close' } satisfies ToWorker);
      }
      await ended.promise;
    },
  };
}

function deferred() {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** The bundle holds the worker as a file of its own beside it; from source, tsx has to be let into the thread. */
function startWorker(folder: string): Worker {
  const workerData = { folder };
  if (import.meta.url.endsWith('.js')) {
    return new Worker(new URL('./embedded-worker.js', import.meta.url), { workerData });
  }
  const source = JSON.stringify(new URL('./embedded-worker.ts', import.meta.url).href);
  const start = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${source}, ${source}));`;
  return new Worker(start, { eval: true, execArgv: [], workerData });
}

/** What `pg` takes for a socket. */
class WireStream extends Duplex {
  readonly connection: number;
  readonly #send: (message: ToWorker) => void;

  constructor(connection: number, send: (message: ToWorker) => void) {
    super();
    this.connection = connection;
    this.#send = send;
  }

  connect(): this {
    this.#send({ kind: 'connect', connection: this.connection });
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#send({ kind: 'bytes', connection: this.connection, bytes: Uint8Array.from(chunk) });
    done();
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error) => void): void {
    const bytes = Uint8Array.from(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    this.#send({ kind: 'bytes', connection: this.connection, bytes });
    done();
  }

  override _final(done: (error?: Error) => void): void {
    this.push(null);
    done();
  }

  // Bytes are pushed as they come: each answers a query that this side asked, so they are bounded by it.
  override _read(): void {
    return;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
