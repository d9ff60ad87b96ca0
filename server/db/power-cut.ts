import fs from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** One change to the disk, or a sync, in the order in which the database made them. Paths are relative. */
type Step =
  | { kind: 'file' | 'folder' | 'remove'; path: string }
  | { kind: 'rename'; path: string; to: string }
  | { kind: 'write'; file: number; bytes: Buffer; position: number }
  | { kind: 'truncate'; file: number; size: number }
  | { kind: 'sync'; file: number }
  | { kind: 'syncFolder'; path: string };

export interface Recording {
  /** How many steps were made so far: a moment to cut the power at. */
  readonly length: number;
  stop(): void;
  /**
   * Writes to `target` what a power cut after `length` steps leaves: of each file what its last sync covered, and of
   * what came later what `keeps` says. Names follow the same rule by their folder's sync.
   */
  image(length: number, target: string, keeps: (step: 'data' | 'name') => boolean): void;
}

/**
 * Records what this process does to `root` through `node:fs`, which is all that PGlite's NODEFS uses. Starts from the
 * folder as it is, which must be stored already.
 */
export function record(root: string): Recording {
  const start = readTree(root);
  const steps: Step[] = [];
  const original = { ...fs };
  // Files are followed by number, since a name can move while descriptors stay.
  const numbers = new Map<string, number>();
  const initial = new Map<number, Buffer>();
  let next = 0;
  const add = (path: string, bytes: Buffer) => {
    numbers.set(path, next);
    initial.set(next, bytes);
    next += 1;
  };
  for (const [path, bytes] of start.files) add(path, bytes);
  const firstNames = new Map(numbers);
  const open = new Map<number, { file: number } | { folder: string }>();

  const inside = (path: unknown): string | undefined => {
    if (typeof path !== 'string') return undefined;
    const found = relative(root, path);
    return found === '' ? '.' : found.startsWith('..') || found.startsWith(sep) ? undefined : found;
  };
  const created = (path: string) => {
    if (numbers.has(path)) return;
    add(path, Buffer.alloc(0));
    steps.push({ kind: 'file', path });
  };
  const truncated = (target: unknown, size: number) => {
    const path = inside(target);
    const file = typeof target === 'number' ? fileOf(target) : path && numbers.get(path);
    if (typeof file === 'number') steps.push({ kind: 'truncate', file, size });
  };
  const fileOf = (descriptor: number) => {
    const found = open.get(descriptor);
    return found && 'file' in found ? found.file : undefined;
  };
  const synced = (descriptor: number) => {
    const found = open.get(descriptor);
    if (found === undefined) return;
    steps.push(
      'file' in found ? { kind: 'sync', file: found.file } : { kind: 'syncFolder', path: found.folder },
    );
  };

  const replace = <Name extends keyof typeof fs>(
    name: Name,
    after: (args: unknown[], result: unknown) => void,
  ) => {
    const real: unknown = original[name];
    if (typeof real !== 'function') throw new Error(`node:fs has no ${name}.`);
    Reflect.set(fs, name, (...args: unknown[]) => {
      const result: unknown = Reflect.apply(real, fs, args);
      after(args, result);
      return result;
    });
  };

  replace('openSync', ([target], descriptor) => {
    const path = inside(target);
    if (path === undefined || typeof descriptor !== 'number') return;
    if (original.fstatSync(descriptor).isDirectory()) return void open.set(descriptor, { folder: path });
    created(path);
    const file = numbers.get(path);
    if (file !== undefined) open.set(descriptor, { file });
  });
  replace('closeSync', ([descriptor]) => void open.delete(Number(descriptor)));
  // NODEFS makes new files so, always empty.
  replace('writeFileSync', ([target]) => {
    const path = inside(target);
    if (path !== undefined) created(path);
  });
  replace('writeSync', ([descriptor, view, offset, length, position], written) => {
    const file = fileOf(Number(descriptor));
    if (file === undefined || !ArrayBuffer.isView(view)) return;
    if (typeof position !== 'number') throw new Error('A write without a position cannot be followed.');
    if (written !== length) throw new Error('A short write is not expected on this disk.');
    const bytes = Buffer.from(Buffer.from(view.buffer, view.byteOffset + Number(offset), Number(length)));
    steps.push({ kind: 'write', file, bytes, position });
  });
  replace('ftruncateSync', ([descriptor, size]) => truncated(descriptor, Number(size ?? 0)));
  replace('truncateSync', ([target, size]) => truncated(target, Number(size ?? 0)));
  replace('renameSync', ([from, target]) => {
    const [path, to] = [inside(from), inside(target)];
    if (path === undefined || to === undefined) return;
    rename(numbers, path, to);
    steps.push({ kind: 'rename', path, to });
  });
  for (const name of ['unlinkSync', 'rmdirSync'] as const) {
    replace(name, ([target]) => {
      const path = inside(target);
      if (path === undefined) return;
      numbers.delete(path);
      steps.push({ kind: 'remove', path });
    });
  }
  replace('mkdirSync', ([target]) => {
    const path = inside(target);
    if (path !== undefined) steps.push({ kind: 'folder', path });
  });
  replace('fsyncSync', ([descriptor]) => synced(Number(descriptor)));
  replace('fdatasyncSync', ([descriptor]) => synced(Number(descriptor)));

  return {
    get length() {
      return steps.length;
    },
    stop() {
      for (const name of Object.keys(fs)) Reflect.set(fs, name, Reflect.get(original, name));
    },
    image(length, target, keeps) {
      const disk = new Disk(initial, firstNames, start.folders);
      for (const step of steps.slice(0, length)) disk.apply(step);
      disk.cut(keeps);
      disk.write(target);
    },
  };
}

class Disk {
  readonly #contents: Map<number, Buffer>;
  readonly #pendingData = new Map<number, Step[]>();
  #names: Map<string, number>;
  #folders: Set<string>;
  #pendingNames: Step[] = [];
  #nextFile: number;

  constructor(contents: ReadonlyMap<number, Buffer>, names: Map<string, number>, folders: Set<string>) {
    this.#contents = new Map([...contents].filter(([file]) => file < names.size));
    this.#names = new Map(names);
    this.#folders = new Set(folders);
    this.#nextFile = names.size;
  }

  apply(step: Step): void {
    switch (step.kind) {
      case 'write':
      case 'truncate':
        this.#waiting(step.file).push(step);
        return;
      case 'sync':
        for (const waiting of this.#pendingData.get(step.file) ?? []) this.#applyData(waiting);
        this.#pendingData.delete(step.file);
        return;
      case 'syncFolder': {
        const touches = (path: string) => dirname(path) === step.path;
        const stored = this.#pendingNames.filter(
          (name) => 'path' in name && (touches(name.path) || (name.kind === 'rename' && touches(name.to))),
        );
        this.#pendingNames = this.#pendingNames.filter((name) => !stored.includes(name));
        for (const name of stored) this.#applyName(name);
        return;
      }
      default:
        if (step.kind === 'file') this.#contents.set(this.#numberOf(step), Buffer.alloc(0));
        this.#pendingNames.push(step);
    }
  }

  #waiting(file: number): Step[] {
    const known = this.#pendingData.get(file);
    if (known !== undefined) return known;
    const fresh: Step[] = [];
    this.#pendingData.set(file, fresh);
    return fresh;
  }

  cut(keeps: (step: 'data' | 'name') => boolean): void {
    for (const name of this.#pendingNames) if (keeps('name')) this.#applyName(name);
    for (const waiting of this.#pendingData.values()) {
      for (const step of waiting) if (keeps('data')) this.#applyData(step);
    }
  }

  write(target: string): void {
    fs.mkdirSync(target, { recursive: true, mode: 0o700 });
    for (const folder of [...this.#folders].sort())
      fs.mkdirSync(join(target, folder), { recursive: true, mode: 0o700 });
    for (const [path, file] of this.#names) {
      // A name whose folder never reached the disk is lost with it.
      if (!fs.existsSync(join(target, dirname(path)))) continue;
      fs.writeFileSync(join(target, path), this.#contents.get(file) ?? Buffer.alloc(0));
    }
  }

  readonly #numbered = new Map<Step, number>();

  #numberOf(step: Step): number {
    const known = this.#numbered.get(step);
    if (known !== undefined) return known;
    this.#numbered.set(step, this.#nextFile);
    this.#nextFile += 1;
    return this.#nextFile - 1;
  }

  #applyName(step: Step): void {
    if (step.kind === 'file') this.#names.set(step.path, this.#numberOf(step));
    if (step.kind === 'folder') this.#folders.add(step.path);
    if (step.kind === 'rename') rename(this.#names, step.path, step.to);
    if (step.kind === 'remove') {
      this.#names.delete(step.path);
      this.#folders.delete(step.path);
    }
  }

  #applyData(step: Step): void {
    if (step.kind !== 'write' && step.kind !== 'truncate') return;
    const before = this.#contents.get(step.file) ?? Buffer.alloc(0);
    const size =
      step.kind === 'truncate' ? step.size : Math.max(before.length, step.position + step.bytes.length);
    // The recorded content is shared between images, so it is copied before the first change and when it grows.
    const after = this.#own.has(step.file) && size === before.length ? before : Buffer.alloc(size);
    if (after !== before) before.copy(after, 0, 0, Math.min(before.length, size));
    if (step.kind === 'write') step.bytes.copy(after, step.position);
    this.#own.add(step.file);
    this.#contents.set(step.file, after);
  }

  readonly #own = new Set<number>();
}

function rename(names: Map<string, number>, from: string, to: string): void {
  const file = names.get(from);
  if (file === undefined) return;
  names.delete(from);
  names.set(to, file);
}

function readTree(root: string): { files: Map<string, Buffer>; folders: Set<string> } {
  const files = new Map<string, Buffer>();
  const folders = new Set<string>();
  for (const entry of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = relative(root, join(entry.parentPath, entry.name));
    if (entry.isDirectory()) folders.add(path);
    else files.set(path, fs.readFileSync(join(root, path)));
  }
  return { files, folders };
}
