import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, root, withBrowser } from './browsers';
import { type Bench, rounded, row } from './rows';

/** What a browser fetches of script before the list works, which is what index.html names, and before the welcome does. */
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
  return [
    row('first_load_kb', rounded(bytes / 1024), 'KB', 'lower', 200),
    row('first_visit_kb', rounded((await firstVisit(tell)) / 1024), 'KB', 'lower', 200),
  ];
};

/** @returns compressed bytes of all that a page of the export has fetched by when somebody can choose a name */
const firstVisit = (tell: (line: string) => void): Promise<number> =>
  withBrowser(tell, async (browser, origin) => {
    const page = await browser.newPage({ serviceWorkers: 'block' });
    const sizes: Promise<number>[] = [];
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith('/_next/static/chunks/') && pathname.endsWith('.js'))
        sizes.push(response.body().then((body) => brotliCompressSync(body).length));
    });
    await page.goto(origin);
    await page.getByLabel('Your name').waitFor();
    await page.waitForLoadState('networkidle');
    return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
  });

/** The scripts that a page loads, each once, without those for browsers that know no modules. */
function scriptsOf(html: string): string[] {
  const tags = html.match(/<script\b[^>]*>/gi) ?? [];
  const sources = tags.flatMap((tag) => {
    const source = /\bsrc="([^"?#]+)/i.exec(tag)?.[1];
    return source === undefined || /\bnomodule\b/i.test(tag) ? [] : [decodeURIComponent(source)];
  });
  return [...new Set(sources)];
}
