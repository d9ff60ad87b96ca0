import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { type Bench, rounded } from './rows';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What a browser fetches of script before the first page works: the files that index.html names. */
export const size: Bench = async (tell) => {
  const page = join(root, 'out/index.html');
  if (!existsSync(page)) {
    tell('building …');
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: ['ignore', 2, 2] });
  }
  const files = scriptsOf(await readFile(page, 'utf8'));
  if (files.length === 0) throw new Error('The page names no script.');
  let bytes = 0;
  for (const file of files) {
    const compressed = brotliCompressSync(await readFile(join(root, 'out', file))).length;
    tell(
      `${rounded(compressed / 1024)
        .toFixed(1)
        .padStart(8)} KB  ${file}`,
    );
    bytes += compressed;
  }
  return [{ name: 'first_load_kb', value: rounded(bytes / 1024), unit: 'KB', aim: 200, better: 'lower' }];
};

/** The scripts that a page loads, each once, without those for browsers that know no modules. */
function scriptsOf(html: string): string[] {
  const tags = html.match(/<script\b[^>]*>/gi) ?? [];
  const sources = tags.flatMap((tag) => {
    const source = /\bsrc="([^"?#]+)/i.exec(tag)?.[1];
    return source === undefined || /\bnomodule\b/i.test(tag) ? [] : [decodeURIComponent(source)];
  });
  return [...new Set(sources)];
}
