import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';

/** A folder to run the server in, with the built site as another build would have named it. */
export interface SiteCopy {
  folder: string;
  /** In the name of every script and style. */
  mark: string;
  remove: () => Promise<void>;
}

const texts = new Set(['.html', '.js', '.css', '.json', '.txt', '.webmanifest']);

/**
 * The same app as another version: every file that is named by its content has another name, wherever it is spoken of.
 * No file of the first version is there any more.
 */
export async function otherBuild(mark: string): Promise<SiteCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'aparte-site-'));
  const out = join(folder, 'out');
  await cp('out', out, { recursive: true });
  const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const named = paths.filter((path) => path.includes('/_next/static/') && /\.(js|css)$/.test(path));
  const renames = new Map(named.map((path) => [basename(path), `${mark}-${basename(path)}`]));
  const names = new RegExp(
    [...renames.keys()].map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
    'g',
  );
  for (const path of paths) {
    // The compressed copies are of the first version: without them the server sends what is here.
    if (extname(path) === '.br') await rm(path);
    else if (texts.has(extname(path))) {
      const text = await readFile(path, 'utf8');
      const renamed = text.replaceAll(names, (name) => renames.get(name) ?? name);
      // Files with a plain name are told apart by this: they are others too.
      await writeFile(path, renamed.replaceAll(/revision:"(\w+)"/g, `revision:"${mark}-$1"`));
    }
  }
  for (const path of named) await rename(path, join(dirname(path), renames.get(basename(path)) ?? ''));
  return { folder, mark, remove: () => rm(folder, { recursive: true, force: true }) };
}
