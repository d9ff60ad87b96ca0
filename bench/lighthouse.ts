import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, expect, type Page } from '@playwright/test';
import lighthouse, { desktopConfig, type Flags } from 'lighthouse';
import config from '../playwright.config';
import { freePort } from '../server/http/free-port';
import { noRates } from '../server/limiter';
import { startServer } from '../server/start';
import { Person } from '../tests/e2e/person';
import { build, root } from './browsers';
import { type Bench, median, type Row } from './rows';
import { undebugged } from './undebugged';

/** On a machine that others use too, the middle of so many. */
const runs = Number(process.env.RUNS ?? '3');

const categories = ['performance', 'accessibility', 'best-practices'] as const;
type Scores = Record<(typeof categories)[number], number>;

type Tell = (line: string) => void;

/** What is looked at: `profile` gives the folder of what the browser remembers. */
interface Screen {
  readonly name: string;
  readonly url: string;
  readonly profile: () => string;
}

/**
 * Lighthouse on every screen, signed in, as a phone and as a desktop sees it: performance, and what must be whole at
 * every look, accessibility and best practices. Each look starts the browser anew: in one that has shown the page before,
 * Lighthouse's profiler goes through that page's scripts too, in the time that is measured.
 */
export const lighthouseBench: Bench = async (tell) => {
  build(tell);
  const folder = await mkdtemp(join(tmpdir(), 'aparte-lighthouse-'));
  const site = { port: 0, logLevel: 'error' as const, rates: noRates, siteFolder: join(root, 'out') };
  const server = await startServer({ ...site, dataDir: join(folder, 'data') });
  const profile = join(folder, 'profile');
  try {
    let visitors = 0;
    const visitor = () => join(folder, `visitor-${visitors++}`);
    const rows = await measure({ name: 'welcome', url: `${server.origin}/`, profile: visitor }, tell);
    const port = await freePort();
    const context = await launch(profile, port, server.origin);
    const conversation = await settle(context, server.origin).finally(() => context.close());
    for (const [name, address] of [
      ['list', '/'],
      ['conversation', conversation],
      ['details', conversation.replace('/c#', '/group#')],
      ['new', '/new'],
      ['settings', '/settings'],
      ['share', '/share'],
    ] as const) {
      const url = new URL(address, server.origin).href;
      rows.push(...(await measure({ name, url, profile: () => profile }, tell)));
    }
    return rows;
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
};

async function launch(profile: string, port: number, origin: string): Promise<BrowserContext> {
  const { args = [], ...options } = config.use?.launchOptions ?? {};
  return chromium.launchPersistentContext(profile, {
    ...options,
    args: [...args, `--remote-debugging-port=${port}`],
    baseURL: origin,
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
  });
}

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

/** Lighthouse's trace now and then misses the navigation; it gives no score then, and asks to be run again. */
async function look(...[screen, device, debugged, tell]: Parameters<typeof lookOnce>): Promise<Scores> {
  for (let tries = 1; ; tries++) {
    try {
      return await lookOnce(screen, device, debugged, tell);
    } catch (error) {
      if (tries === 3 || !String(error).includes('NO_NAVSTART')) throw error;
      tell?.('Lighthouse recorded no navigation: once more');
    }
  }
}

/** One look in a browser that has just been started, as somebody starts an app. */
async function lookOnce(
  screen: Screen,
  device: 'phone' | 'desktop',
  debugged: boolean,
  tell?: Tell,
): Promise<Scores> {
  const port = await freePort();
  const context = await launch(screen.profile(), port, new URL(screen.url).origin);
  try {
    const browser = debugged ? undefined : await undebugged(port);
    // The one in front: what lies behind it is not painted.
    const page = (await browser?.pages())?.[0];
    const flags: Flags = {
      port,
      logLevel: 'error',
      onlyCategories: [...categories],
      // What the profile holds is what is looked at.
      disableStorageReset: true,
    };
    const result = await lighthouse(
      screen.url,
      flags,
      device === 'desktop' ? desktopConfig : undefined,
      page,
    );
    if (!result) throw new Error('Lighthouse gave nothing.');
    const audits = Object.values(result.lhr.audits);
    const failed = audits.find((audit) => audit.scoreDisplayMode === 'error');
    if (failed) throw new Error(`Lighthouse: ${failed.id}: ${failed.errorMessage}`);
    for (const { id, score, scoreDisplayMode, displayValue } of audits)
      if (told.has(id) || (scoreDisplayMode === 'binary' && score === 0))
        tell?.(`${id}: ${displayValue ?? (score === 0 ? 'no' : '–')}`);
    const score = (category: keyof Scores) => Math.round((result.lhr.categories[category]?.score ?? 0) * 100);
    return {
      performance: score('performance'),
      accessibility: score('accessibility'),
      'best-practices': score('best-practices'),
    };
  } finally {
    await context.close();
  }
}

const told = new Set([
  'first-contentful-paint',
  'largest-contentful-paint',
  'total-blocking-time',
  'cumulative-layout-shift',
]);

async function measure(screen: Screen, tell: Tell): Promise<Row[]> {
  const { name } = screen;
  const rows: Row[] = [];
  for (const device of ['phone', 'desktop'] as const) {
    const looks: Scores[] = [];
    tell(`${name}, ${device}`);
    for (let run = 0; run < runs; run++)
      looks.push(await look(screen, device, false, run === 0 ? tell : undefined));
    for (const category of categories) {
      const values = looks.map((scores) => scores[category]);
      tell(`${category}: ${values.join(' ')}`);
      rows.push({
        name: `${name}_${device}_${category.replace('-', '_')}`,
        value: category === 'performance' ? median(values) : Math.min(...values),
        unit: '',
        aim: category === 'performance' ? 95 : 100,
        better: 'higher',
      });
    }
  }
  const { performance } = await look(screen, 'phone', true);
  rows.push({ name: `${name}_phone_performance_debugged`, value: performance, unit: '', better: 'higher' });
  return rows;
}
