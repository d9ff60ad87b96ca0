import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderInUseError } from './folder-lock';
import { type Database, openDatabase } from './pool';

let dataDir: string;
let database: Database;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'aparte-pool-'));
  database = await openDatabase({ databaseUrl: undefined, dataDir });
}, 60_000);
afterAll(async () => {
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('the embedded database', () => {
  it('says which kind it is', () => {
    expect(database.kind).toBe('embedded');
  });

  it('reads a bigint as a number and refuses one that a number cannot hold', async () => {
    const { rows } = await database.pool.query('select 9007199254740991::bigint as n');
    expect(rows).toEqual([{ n: 9007199254740991 }]);
    await expect(database.pool.query('select 9007199254740993::bigint as n')).rejects.toThrow(RangeError);
  });

  it('keeps bytes as they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
    const { rows } = await database.pool.query('select $1::bytea as b', [bytes]);
    expect(rows[0].b.equals(bytes)).toBe(true);
  });

  it('answers a failed statement with its code and goes on', async () => {
    await expect(database.pool.query('select * from nowhere')).rejects.toMatchObject({ code: '42P01' });
    expect((await database.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });

  it('serves callers that ask at once, each with its own answer', async () => {
    const asked = Array.from({ length: 50 }, (_, n) => n);
    const answers = await Promise.all(asked.map((n) => database.pool.query('select $1::int as n', [n])));
    expect(answers.map((answer) => answer.rows[0].n)).toEqual(asked);
  });

  it('rolls back what a lost connection left open, and forgets its settings', async () => {
    await database.pool.query('create table kept (id int)');
    const client = await database.pool.connect();
    await client.query("set application_name = 'gone'");
    await client.query('begin');
    await client.query('insert into kept values (1)');
    client.release(true);
    expect((await database.pool.query('select count(*) as n from kept')).rows).toEqual([{ n: 0 }]);
    const { rows } = await database.pool.query('show application_name');
    expect(rows[0].application_name).not.toBe('gone');
  });

  it('runs with fsync, whatever PGlite starts with by itself', async () => {
    const { rows } = await database.pool.query("select current_setting('fsync') as fsync");
    expect(rows).toEqual([{ fsync: 'on' }]);
  });

  it('does not stop the event loop during a heavy query', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await database.pool.query('select count(*) from generate_series(1, 2000000) g where g % 7 = 3');
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(250);
  });

  it('refuses a second opener of the same folder', async () => {
    await expect(openDatabase({ databaseUrl: undefined, dataDir })).rejects.toThrow(FolderInUseError);
  });

  it('keeps rows over a close and a new start', async () => {
    await database.pool.query('insert into kept values (7)');
    await database.close();
    database = await openDatabase({ databaseUrl: undefined, dataDir });
    expect((await database.pool.query('select id from kept')).rows).toEqual([{ id: 7 }]);
  });

  it('checkpoints and vacuums by itself, so that its log stays bounded', async () => {
    await database.pool.query('create table busy (id int primary key, body text)');
    await database.pool.query("insert into busy select g, repeat('x', 500) from generate_series(1, 5000) g");
    const logBytes = "select sum(size)::bigint as n from pg_ls_waldir() where name like '0000%'";
    for (let round = 0; round < 60; round += 1) {
      await database.pool.query('update busy set body = $1', [String(round).repeat(400)]);
    }
    const { rows } = await database.pool.query(logBytes);
    expect(rows[0].n).toBeLessThan(300 * 1024 * 1024);
    const table = await database.pool.query("select pg_total_relation_size('busy') as n");
    expect(table.rows[0].n).toBeLessThan(80 * 1024 * 1024);
  }, 60_000);
});
