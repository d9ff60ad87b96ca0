import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

const compress = promisify(brotliCompress);

const compressible = new Set([
  '.css',
  '.html',
  '.ico',
  '.js',
  '.json',
  '.map',
  '.mjs',
  '.svg',
  '.txt',
  '.wasm',
  '.webmanifest',
  '.xml',
]);

/** Above this the highest quality takes a dozen seconds for a few per cent. */
const largeBytes = 2 * 1024 * 1024;
/** Below this an answer fits one packet either way. */
const smallBytes = 512;

/** Writes `name.br` beside every file that gets smaller by it. Results are kept by content for the next build. */
export async function precompress(folder, cacheFolder) {
  await mkdir(cacheFolder, { recursive: true });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && compressible.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
  const next = files.values();
  const work = async () => {
    for (const file of next) await compressFile(file, cacheFolder);
  };
  await Promise.all([work(), work(), work(), work()]);
}

async function compressFile(file, cacheFolder) {
  const bytes = await readFile(file);
  if (bytes.length < smallBytes) return;
  const cached = join(cacheFolder, createHash('sha256').update(bytes).digest('hex'));
  try {
    await copyFile(cached, `${file}.br`);
    return;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const compressed = await compress(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: bytes.length > largeBytes ? 9 : 11,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  if (compressed.length >= bytes.length) return;
  await writeFile(cached, compressed);
  await writeFile(`${file}.br`, compressed);
}
