import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { migrate } from '../server/db/migrate';
import { openDatabase } from '../server/db/pool';

const variable = 'APARTE_DATA_TEMPLATE';

/** Before all tests of a run; what it returns is to be called after them. The global set-up of both test runners. */
export default async function openRun(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'aparte-template-'));
  process.env[variable] = folder;
  return () => rm(folder, { recursive: true, force: true });
}

/**
 * A folder of its own for a server's data, in which the embedded database has been set up and is empty. The setting
 * up takes five seconds and is the same each time: the first test that needs it has it done, the others get a copy.
 */
export async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aparte-data-'));
  const run = process.env[variable];
  if (run === undefined) return folder;
  const template = join(run, 'template');
  if (!(await exists(template))) {
    const made = await mkdtemp(join(run, 'made-'));
    await setUp(made);
    // Another process may have come first: a folder that is not empty is not replaced.
    await rename(made, template).catch(() => rm(made, { recursive: true, force: true }));
  }
  await promisify(execFile)('cp', ['-a', `${template}/.`, folder]);
  return folder;
}

async function setUp(dataDir: string): Promise<void> {
  const { pool, close } = await openDatabase({ databaseUrl: undefined, dataDir });
  await migrate(pool);
  await close();
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
