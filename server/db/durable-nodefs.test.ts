import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DurableNodeFs, durableStartParams } from './durable-nodefs';
import { prepareFolder } from './embedded-folder';
import { openDatabase } from './pool';
import { type Recording, record } from './power-cut';

const seed = 20_261_123;
let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'aparte-durable-'));
  await prepareFolder(join(work, 'template'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

interface Ack {
  readonly steps: number;
  readonly rows: number;
}

/** Inserts, grows indexes, rewrites and drops tables, checkpoints and switches logs, noting each acknowledgement. */
async function writeMuch(database: PGlite, recording: Recording): Promise<Ack[]> {
  const acks: Ack[] = [];
  let rows = 0;
  const note = () => acks.push({ steps: recording.length, rows });
  await database.exec('create table kept (id int primary key, body text)');
  note();
  for (let round = 0; round < 12; round += 1) {
    for (let count = 0; count < 15; count += 1) {
      await database.query('insert into kept values ($1, repeat($2, 300))', [rows + 1, String(rows % 10)]);
      rows += 1;
      note();
    }
    await database.exec(
      `create table passing_${round} as select g, repeat('p', 200) from generate_series(1, 300) g`,
    );
    const upheavals = [
      ...(round % 3 === 1 ? [`truncate passing_${round}`, 'vacuum full kept'] : []),
      ...(round % 4 === 2 ? [`drop table passing_${round - 1}`, 'checkpoint'] : []),
      ...(round % 5 === 3 ? ['select pg_switch_wal()', 'checkpoint'] : []),
    ];
    for (const statement of upheavals) await database.exec(statement);
    note();
  }
  return acks;
}

async function survivors(folder: string): Promise<number> {
  const database = await PGlite.create({ fs: new NodeFS(folder) });
  try {
    // By the table and by its index: both must tell the same story, and every row must be whole.
    const { rows } = await database.query<{ n: number; whole: number; byIndex: number }>(
      `select count(*)::int as n,
              count(*) filter (where body = repeat(((id - 1) % 10)::text, 300))::int as whole,
              (select count(*)::int from generate_series(1, 1000) g join kept on kept.id = g) as "byIndex"
       from kept`,
    );
    const found = rows[0];
    if (found === undefined || found.n !== found.whole || found.n !== found.byIndex) {
      throw new Error(`The table is damaged: ${JSON.stringify(found)}`);
    }
    return found.n;
  } finally {
    await database.close();
  }
}

async function recordedRun(name: string, durable: boolean) {
  const folder = join(work, name);
  await cp(join(work, 'template'), folder, { recursive: true });
  const recording = record(folder);
  try {
    const database = await PGlite.create(
      durable
        ? { fs: new DurableNodeFs(folder, () => undefined), startParams: [...durableStartParams] }
        : { fs: new NodeFS(folder) },
    );
    const acks = await writeMuch(database, recording);
    await database.close();
    return { recording, acks };
  } finally {
    recording.stop();
  }
}

/** What each kind of disk may have kept of the writes that nobody had synced. */
const leftovers = (random: () => number) => ({
  'nothing unsynced': () => false,
  'names but no data': (step: 'data' | 'name') => step === 'name',
  'data but no names': (step: 'data' | 'name') => step === 'data',
  'any part of it': () => random() < 0.5,
});

describe('a power cut', () => {
  it('loses no acknowledged row, whatever the disk kept of the unsynced writes', async () => {
    const { recording, acks } = await recordedRun('durable', true);
    const random = randomFrom(seed);
    const kinds = Object.entries(leftovers(random));
    const cuts = 24;
    const first = acks[0]?.steps ?? 0;
    for (let cut = 0; cut < cuts; cut += 1) {
      const at = first + Math.floor(random() * (recording.length - first));
      const promised = acks.filter((ack) => ack.steps <= at).at(-1)?.rows ?? 0;
      const [kind, keeps] = kinds[cut % kinds.length] ?? [];
      if (keeps === undefined) throw new Error('There is a kind for every cut.');
      const image = join(work, `image-${cut}`);
      recording.image(at, image, keeps);
      const found = await survivors(image);
      expect(found, `cut ${cut} at step ${at}, disk kept ${kind}`).toBeGreaterThanOrEqual(promised);
      // One row can be on its way to the acknowledgement.
      expect(found).toBeLessThanOrEqual(promised + 1);
      await rm(image, { recursive: true });
    }
  }, 180_000);

  it('does lose rows with PGlite as it comes, so this test can fail', async () => {
    const { recording, acks } = await recordedRun('plain', false);
    const last = acks.at(-1);
    if (last === undefined) throw new Error('Nothing was acknowledged.');
    const image = join(work, 'image-plain');
    recording.image(last.steps, image, () => false);
    const outcome = await survivors(image).catch(() => 'damaged');
    expect(outcome).not.toBe(last.rows);
  });
});

describe('kill -9 during writes', () => {
  it('loses no acknowledged row and frees the folder', async () => {
    const dataDir = join(work, 'killed');
    let promised = 0;
    for (const rowsBeforeKill of [1, 40, 137]) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', writer(dataDir)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        promised = Math.max(promised, Number(line));
        seen += 1;
        if (seen === rowsBeforeKill) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      const database = await openDatabase({ databaseUrl: undefined, dataDir });
      const { rows } = await database.pool.query('select count(*) as n, max(id) as last from kept');
      await database.close();
      expect(rows[0].n).toBe(rows[0].last);
      expect(rows[0].n).toBeGreaterThanOrEqual(promised);
    }
  });
});

function writer(dataDir: string): string {
  const pool = JSON.stringify(new URL('./pool.ts', import.meta.url).href);
  return `
    const { openDatabase } = await import(${pool});
    const { pool } = await openDatabase({ databaseUrl: undefined, dataDir: ${JSON.stringify(dataDir)} });
    await pool.query('create table if not exists kept (id int primary key)');
    const { rows } = await pool.query('select coalesce(max(id), 0) as last from kept');
    for (let id = rows[0].last + 1; ; id += 1) {
      await pool.query('insert into kept values ($1)', [id]);
      console.log(id);
    }`;
}

/** mulberry32: the same cuts at every run. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
