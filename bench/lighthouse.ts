import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, expect, type Page } from '@playwright/test';
import lighthouse, { desktopConfig } from 'lighthouse';
import config from '../playwright.config';
import { freePort } from '../server/http/free-port';
import { noRates } from '../server/limiter';
import { startServer } from '../server/start';
import { Person } from '../tests/e2e/person';
import { build, root } from './browsers';
import { type Bench, median, type Row } from './rows';

/** On a machine that others use too, the middle of so many. */
const runs = Number(process.env.RUNS ?? '3');

/**
 * Lighthouse on every screen, signed in, as a phone and as a desktop sees it: performance, and what must be whole at
 * every look, accessibility and best practices.
 */
export const lighthouseBench: Bench = async (tell) => {
  build(tell);
  const folder = await mkdtemp(join(tmpdir(), 'aparte-lighthouse-'));
  const site = { port: 0, logLevel: 'error' as const, rates: noRates, siteFolder: join(root, 'out') };
  const server = await startServer({ ...site, dataDir: join(folder, 'data') });
  const port = await freePort();
  const { args = [], ...launch } = config.use?.launchOptions ?? {};
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    ...launch,
    args: [...args, `--remote-debugging-port=${port}`],
    baseURL: server.origin,
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
  });
  try {
    const rows: Row[] = [];
    rows.push(...(await look('welcome', `${server.origin}/`, port, tell)));
    const conversation = await settle(context, server.origin);
    for (const [name, address] of [
      ['list', '/'],
      ['conversation', conversation],
      ['details', conversation.replace('/c#', '/group#')],
      ['new', '/new'],
      ['settings', '/settings'],
      ['share', '/share'],
    ] as const)
      rows.push(...(await look(name, new URL(address, server.origin).href, port, tell)));
    return rows;
  } finally {
    await context.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
};

/** Somebody with a conversation. @returns its address */
async function settle(context: BrowserContext, origin: string): Promise<string> {
  const browser = await chromium.launch(config.use?.launchOptions ?? {});
  try {
    const bert = await Person.open(browser, origin, 'Bert');
    await bert.signUp();
    const page: Page = await context.newPage();
    const anna = Person.of(context, page, 'Anna');
    await page.goto('/');
    await anna.signUp();
    await page.goto('/new');
    await anna.find('bert');
    await page.getByRole('button', { name: 'Write to @bert' }).click();
    for (let index = 0; index < 30; index++) await anna.write(`Line ${index} of a conversation`);
    // One after the other, while the page draws each: seconds on a slow machine.
    const last = anna.message('Line 29').getByRole('img', { name: /Sent|Delivered/ });
    await expect(last).toBeVisible({ timeout: 60_000 });
    await page.evaluate(() => navigator.serviceWorker.ready);
    const address = page.url();
    await page.close();
    return address;
  } finally {
    await browser.close();
  }
}

async function look(name: string, url: string, port: number, tell: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const device of ['phone', 'desktop'] as const) {
    const scores: Record<string, number[]> = { performance: [], accessibility: [], 'best-practices': [] };
    for (let run = 0; run < runs; run++) {
      const result = await lighthouse(
        url,
        {
          port,
          logLevel: 'error',
          onlyCategories: Object.keys(scores),
          // What the profile holds is what is looked at.
          disableStorageReset: true,
        },
        device === 'desktop' ? desktopConfig : undefined,
      );
      if (!result) throw new Error('Lighthouse gave nothing.');
      const { categories, audits } = result.lhr;
      for (const [category, values] of Object.entries(scores))
        values.push(Math.round((categories[category]?.score ?? 0) * 100));
      if (run > 0) continue;
      for (const id of [
        'first-contentful-paint',
        'largest-contentful-paint',
        'total-blocking-time',
        'cumulative-layout-shift',
      ])
        tell(`${name} ${device} ${id}: ${audits[id]?.displayValue ?? '–'}`);
      for (const { id, score, scoreDisplayMode } of Object.values(audits))
        if (scoreDisplayMode === 'binary' && score === 0) tell(`${name} ${device}: ${id}`);
    }
    for (const [category, values] of Object.entries(scores))
      rows.push({
        name: `${name}_${device}_${category.replace('-', '_')}`,
        value: category === 'performance' ? median(values) : Math.min(...values),
        unit: '',
        aim: category === 'performance' ? 95 : 100,
        better: 'higher',
      });
    tell(`${name} ${device}: ${JSON.stringify(scores)}`);
  }
  return rows;
}
