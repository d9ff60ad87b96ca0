import fs from 'node:fs';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { planSettings } from './plan-settings';

/**
 * PGlite's own start parameters without `-F`, so that Postgres orders its writes by fsync as it does on a server.
 * `wal_sync_method` is fsync because emscripten answers fdatasync with success and does nothing.
 * The flush hints stay off: without sync_file_range Postgres would emulate them by rewriting pages through mmap.
 */
export const durableStartParams: readonly string[] = [
  '--single',
  '-O',
  '-j',
  ...[
    'search_path=public',
    'exit_on_error=false',
    'log_checkpoints=false',
    'max_worker_processes=0',
    'max_parallel_workers=0',
    'max_parallel_workers_per_gather=0',
    'io_method=sync',
    'max_parallel_maintenance_workers=0',
    'fsync=on',
    'synchronous_commit=on',
    'full_page_writes=on',
    'wal_sync_method=fsync',
    'checkpoint_flush_after=0',
    'backend_flush_after=0',
    ...planSettings,
  ].flatMap((setting) => ['-c', setting]),
];

/**
 * The directory on disk as PGlite sees it, with the fsync that emscripten's NODEFS lacks. A sync also makes durable
 * every name created, moved or removed before it, which is stricter than Postgres asks for and costs nothing
 * between such changes.
 */
export class DurableNodeFs extends NodeFS {
  /** Names inside these changed since they were last synced. */
  readonly #changedFolders = new Set<string>();
  readonly #onFailure: (failure: Error) => void;
  #syncs = 0;
  #walBytes = 0;

  constructor(folder: string, onFailure: (failure: Error) => void) {
    super(folder);
    this.#onFailure = onFailure;
  }

  get syncs(): number {
    return this.#syncs;
  }

  /** Write-ahead log written since the process started; grows until a checkpoint lets Postgres recycle it. */
  get walBytes(): number {
    return this.#walBytes;
  }

  override async init(...[pg, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pg, options);
    // NODEFS is mounted by the last preRun; its operations must be complete before any file is opened.
    const preRun = [
      (mod: { NODEFS: unknown }) => this.#addSync(mod.NODEFS),
      ...(emscriptenOpts.preRun ?? []),
    ];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  }

  #addSync(nodefs: unknown): void {
    if (!isNodefs(nodefs))
      throw new Error('This version of PGlite has another NODEFS: durability is not given.');
    const { node_ops: names, stream_ops: streams } = nodefs;
    const note = (folder: NodefsNode) => this.#changedFolders.add(nodefs.realPath(folder));

    const { mknod, rename, unlink, rmdir, symlink } = names;
    names.mknod = (parent, ...rest) => {
      note(parent);
      return mknod(parent, ...rest);
    };
    names.rename = (node, newFolder, newName) => {
      note(node.parent);
      note(newFolder);
      rename(node, newFolder, newName);
    };
    names.unlink = (parent, name) => {
      note(parent);
      unlink(parent, name);
    };
    names.rmdir = (parent, name) => {
      note(parent);
      rmdir(parent, name);
    };
    names.symlink = (parent, ...rest) => {
      note(parent);
      return symlink(parent, ...rest);
    };

    const write = streams.write;
    streams.write = (stream, ...rest) => {
      const written = write(stream, ...rest);
      if (stream.node.parent.name === 'pg_wal') this.#walBytes += written;
      return written;
    };
    // Zero is emscripten's success; a failure is an ErrnoError made by tryFSOperation.
    streams.fsync = (stream) => {
      nodefs.tryFSOperation(() => this.#sync(stream.nfd));
      return 0;
    };
  }

  #sync(fileDescriptor: number): void {
    try {
      fs.fsyncSync(fileDescriptor);
      for (const folder of this.#changedFolders) syncFolder(folder);
      this.#changedFolders.clear();
      this.#syncs += 1;
    } catch (cause) {
      // After a failed fsync the kernel may have dropped the pages: nothing more may be acknowledged.
      this.#onFailure(new Error('The disk refused to store the database.', { cause }));
      throw cause;
    }
  }
}

/** A folder that has meanwhile gone needs no sync: its parent, whose names changed too, is in the same set. */
export function syncFolder(folder: string): void {
  let descriptor: number;
  try {
    descriptor = fs.openSync(folder, 'r');
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

interface NodefsNode {
  readonly name: string;
  readonly parent: NodefsNode;
}

interface NodefsStream {
  readonly node: NodefsNode;
  readonly nfd: number;
}

interface Nodefs {
  realPath(node: NodefsNode): string;
  tryFSOperation(operation: () => void): void;
  readonly node_ops: {
    mknod(parent: NodefsNode, ...rest: unknown[]): unknown;
    rename(node: NodefsNode, newFolder: NodefsNode, newName: string): void;
    unlink(parent: NodefsNode, name: string): void;
    rmdir(parent: NodefsNode, name: string): void;
    symlink(parent: NodefsNode, ...rest: unknown[]): unknown;
  };
  readonly stream_ops: {
    write(stream: NodefsStream, ...rest: unknown[]): number;
    fsync?(stream: NodefsStream): number;
  };
}

function isNodefs(value: unknown): value is Nodefs {
  return (
    hasFunctions(value, ['realPath', 'tryFSOperation']) &&
    'node_ops' in value &&
    hasFunctions(value.node_ops, ['mknod', 'rename', 'unlink', 'rmdir', 'symlink']) &&
    'stream_ops' in value &&
    hasFunctions(value.stream_ops, ['write']) &&
    !('fsync' in value.stream_ops)
  );
}

function hasFunctions(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}
