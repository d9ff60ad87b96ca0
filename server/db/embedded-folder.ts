import { existsSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { syncFolder } from './durable-nodefs';

/**
 * Makes the database's folder if there is none. It is filled beside its place, stored, and moved there in one step,
 * so that a first start cut short leaves either no database or a whole one.
 */
export async function prepareFolder(folder: string): Promise<void> {
  if (existsSync(join(folder, 'PG_VERSION'))) return;
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const database = await PGlite.create({ fs: new NodeFS(unfinished) });
  await database.close();
  await syncTree(unfinished);
  await rename(unfinished, folder);
  syncFolder(dirname(folder));
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    if (entry.isFile()) {
      const file = await open(path, 'r+');
      await file.sync();
      await file.close();
    }
  }
  syncFolder(folder);
}
