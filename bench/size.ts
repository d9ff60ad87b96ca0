import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, root } from './browsers';
import { type Bench, rounded } from './rows';

/** What a browser fetches of script before the first page works: the files that index.html names. */
export const size: Bench = async (tell) => {
  const page = join(root, 'out/index.html');
  build(tell);
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
