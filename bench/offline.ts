import 'fake-indexeddb/auto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { build as bundle } from 'esbuild';
import { sendText, startGroup } from '../lib/client/intents';
import config from '../playwright.config';
import { noRates } from '../server/limiter';
import { startServer } from '../server/start';
import { TestDevice } from '../tests/device';
import { dice } from '../tests/dice';
import { openCache } from '../tests/e2e/page-cache';
import { build, root } from './browsers';
import { type Bench, median, percentile, type Row, rounded, table } from './rows';
import { quarterSpeed } from './throttle';

const size = { conversations: 1_000, messages: Number(process.env.MESSAGES ?? 100_000) };
const starts = 7;
const opened = 24;
const searches = 30;
const groups = 10;
const missed = Number(process.env.MISSED ?? 10_000);

type Tell = (line: string) => void;

/** One browser profile with a big cache, on disk: started cold without a network, read, searched, and caught up. */
export const offline: Bench = async (tell) => {
  build(tell);
  const folder = await mkdtemp(join(tmpdir(), 'aparte-bench-'));
  const server = await startServer({
    port: 0,
    dataDir: join(folder, 'data'),
    logLevel: 'error',
    rates: noRates,
    siteFolder: join(root, 'out'),
  });
  const profile = new Profile(join(folder, 'profile'), server.origin);
  const bert = new TestDevice(() => server.origin, dice(1));
  try {
    const { words, ids, rows: filled } = await fill(profile, bert, tell);
    const rows: Row[] = [];
    // Each is told at once: the whole takes minutes.
    const add = (measured: Row[]) => {
      rows.push(...measured);
      tell(table(measured));
    };
    add(filled);
    add(await measureStarts(profile, tell));
    add(await measureUse(profile, words, tell));
    add(await measureCatchUp(profile, bert, ids, tell));
    return rows;
  } finally {
    await profile.close();
    await bert.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
};

/** A person's browser, which can be ended and started again. */
class Profile {
  #context: BrowserContext | null = null;

  constructor(
    private readonly folder: string,
    readonly origin: string,
  ) {}

  async open(network: 'online' | 'offline'): Promise<Page> {
    const options = { ...config.use?.launchOptions, baseURL: this.origin, locale: 'en-GB' };
    const context = await chromium.launchPersistentContext(this.folder, {
      ...options,
      viewport: { width: 1280, height: 800 },
    });
    this.#context = context;
    await context.setOffline(network === 'offline');
    const page = context.pages()[0] ?? (await context.newPage());
    // What tsx compiles calls this for each function that has a name, in the page too.
    await page.addInitScript({ content: 'globalThis.__name = (named) => named;' });
    await page.addInitScript(markWhenListed, { name: 'readable', text: '' });
    return page;
  }

  /** Of what draws pages and runs their workers. */
  async rendererPids(): Promise<number[]> {
    const session = await this.#context?.browser()?.newBrowserCDPSession();
    const info = await session?.send('SystemInfo.getProcessInfo');
    return info?.processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id) ?? [];
  }

  async close(): Promise<void> {
    await this.#context?.close();
    this.#context = null;
  }
}

/**
 * Runs in the page before the app: marks when a row of the list with this text is on the screen, ms since the navigation.
 * To ask for it from outside would slow the page.
 */
function markWhenListed({ name, text }: { name: string; text: string }): void {
  const observer = new MutationObserver(() => {
    const rows = [...document.querySelectorAll('.rows .row .row-preview')];
    if (!rows.some((row) => row.textContent?.includes(text))) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark(name)));
  });
  observer.observe(document, { childList: true, subtree: true, characterData: true });
}

async function fill(profile: Profile, bert: TestDevice, tell: Tell) {
  const page = await profile.open('online');
  await page.goto('/');
  await page.getByLabel('Your name').fill('Anna');
  await page.getByRole('textbox', { name: 'Handle' }).fill('anna');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('link', { name: 'New conversation' }).first().waitFor();
  await openCache(page);
  const userId = await page.evaluate(async () => {
    const session = await window.cache.readMeta('session');
    return session?.state === 'signed_in' ? session.userId : '';
  });
  bert.start();
  await bert.signUp('bert');
  const ids: string[] = [];
  for (let index = 0; index < groups; index++)
    ids.push(await startGroup(bert.author, `Group ${index}`, [{ userId, handle: 'anna' }]));
  await page.waitForFunction(async (count) => (await window.cache.conversations.count()) === count, groups);
  const { outputFiles } = await bundle({
    entryPoints: [join(root, 'bench/full-cache.entry.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
  });
  await page.evaluate(outputFiles[0]?.text ?? '');
  const before = performance.now();
  const { words, ...stored } = await page.evaluate((given) => window.fillCache(given), size);
  const fillS = (performance.now() - before) / 1000;
  tell(`${stored.messages} messages in ${stored.conversations} conversations written in ${rounded(fillS)} s`);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await page.reload();
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  await profile.close();
  const rows: Row[] = [
    { name: 'rows_written_per_s', value: Math.round(stored.messages / fillS), unit: '/s', better: 'higher' },
    { name: 'storage_mb', value: rounded(usage / 2 ** 20), unit: 'MB', better: 'lower' },
  ];
  return { words, ids, rows };
}

async function measureStarts(profile: Profile, tell: Tell): Promise<Row[]> {
  const times: number[] = [];
  for (let round = 0; round < starts; round++) {
    const page = await profile.open('offline');
    await page.goto('/');
    times.push(await page.evaluate(markedAt, 'readable'));
    await profile.close();
    tell(`cold start: ${rounded(times.at(-1) ?? 0)} ms`);
  }
  return [
    { name: 'cold_start_ms', value: rounded(median(times)), unit: 'ms', aim: 1_000, better: 'lower' },
    { name: 'cold_start_max_ms', value: rounded(Math.max(...times)), unit: 'ms', better: 'lower' },
  ];
}

/** Runs in the page. */
async function markedAt(name: string): Promise<number> {
  for (;;) {
    const [mark] = performance.getEntriesByName(name);
    if (mark) return mark.startTime;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

async function measureUse(profile: Profile, words: string[], tell: Tell): Promise<Row[]> {
  const page = await profile.open('offline');
  await page.goto('/');
  await page.evaluate(markedAt, 'readable');
  const openings = await page.evaluate(openConversations, opened);
  tell(`opened: ${openings.map((time) => rounded(time)).join(' ')}`);
  await page.getByRole('searchbox').first().click();
  const first = await page.evaluate(typeInto, { texts: ['a'], settleMs: 0 });
  // What one types: words that were said often and rarely, letter by letter, some of them two.
  const texts: string[] = [];
  for (let index = 0; index < searches; index++) {
    const word = words[(index * 13) % words.length] ?? '';
    const text = index % 3 === 0 ? `${word} ${words[(index * 7) % words.length] ?? ''}` : word;
    for (let length = 1; length <= text.length; length++) texts.push(text.slice(0, length));
  }
  const times = await page.evaluate(typeInto, { texts, settleMs: 30 });
  times.sort((a, b) => a - b);
  await profile.close();
  openings.sort((a, b) => a - b);
  return [
    {
      name: 'open_conversation_ms',
      value: rounded(percentile(openings, 0.95)),
      unit: 'ms',
      aim: 100,
      better: 'lower',
    },
    {
      name: 'open_conversation_p50_ms',
      value: rounded(percentile(openings, 0.5)),
      unit: 'ms',
      better: 'lower',
    },
    { name: 'search_p95_ms', value: rounded(percentile(times, 0.95)), unit: 'ms', aim: 50, better: 'lower' },
    { name: 'search_p50_ms', value: rounded(percentile(times, 0.5)), unit: 'ms', better: 'lower' },
    { name: 'first_search_ms', value: rounded(first[0] ?? 0), unit: 'ms', better: 'lower' },
  ];
}

/** Runs in the page: from each click to the frame that shows the last messages, ms. */
async function openConversations(count: number): Promise<number[]> {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    // Requests have no messages yet.
    const links = [...document.querySelectorAll<HTMLAnchorElement>('.rows a.row')].filter(
      (row) => !row.closest('section'),
    );
    const link = links[index % links.length];
    if (!link || link.getAttribute('aria-current')) continue;
    const name = link.querySelector('.row-name')?.textContent ?? '';
    const start = performance.now();
    link.click();
    const shown = () =>
      document.querySelector('.conversation h1')?.textContent === name &&
      document.querySelector('.conversation [data-message]') !== null;
    while (!shown()) await frame();
    await frame();
    times.push(performance.now() - start);
    // The next one is not looked for while this one still settles.
    for (let frames = 0; frames < 30; frames++) await frame();
  }
  return times;
}

/** Runs in the page: types texts into the search, from each input to the frame that shows what was found, ms. */
async function typeInto(given: { texts: string[]; settleMs: number }): Promise<number[]> {
  const input = document.querySelector<HTMLInputElement>('.list input[type=search]');
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
  if (!input || !setValue) throw new Error('no search');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const times: number[] = [];
  for (const text of given.texts) {
    const start = performance.now();
    setValue.call(input, text);
    input.dispatchEvent(new InputEvent('input', { bubbles: true }));
    while (document.querySelector<HTMLElement>('.rows')?.dataset.found !== text) await frame();
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, given.settleMs));
  }
  return times;
}

async function measureCatchUp(profile: Profile, bert: TestDevice, ids: string[], tell: Tell): Promise<Row[]> {
  for (let index = 0; index < missed; index++) {
    await sendText(bert.author, ids[index % groups] ?? '', `message ${index} of what was missed`);
    if (index % 500 !== 499) continue;
    await bert.until(async () => ((await bert.db.outbox.count()) < 100 ? true : undefined), 'sending');
    tell(`${index + 1} messages written`);
  }
  await bert.until(async () => ((await bert.db.outbox.count()) === 0 ? true : undefined), 'sending');
  const page = await profile.open('online');
  // Whatever spoke last is readable, at the top of the list.
  await page.addInitScript(markWhenListed, { name: 'usable', text: `message ${missed - 1} of` });
  const recover = quarterSpeed(await profile.rendererPids());
  const start = performance.now();
  await page.goto('/', { waitUntil: 'commit' });
  await page.evaluate(markedAt, 'usable');
  const usableMs = performance.now() - start;
  tell(`usable after ${rounded(usableMs)} ms`);
  await openCache(page);
  const wanted = size.messages + missed;
  while ((await page.evaluate(readable)) < wanted)
    await new Promise<void>((resolve) => setTimeout(resolve, 250));
  const doneMs = performance.now() - start;
  await recover();
  await profile.close();
  return [
    { name: 'catch_up_usable_ms', value: rounded(usableMs), unit: 'ms', aim: 2_000, better: 'lower' },
    { name: 'catch_up_done_ms', value: rounded(doneMs), unit: 'ms', aim: 60_000, better: 'lower' },
  ];
}

/** Runs in the page: how many messages of others and own can be read. */
const readable = async (): Promise<number> => {
  const { messages, sealed } = window.cache;
  const texts = (await messages.count()) - (await sealed.count());
  const groupNotices = await window.cache.conversations
    .filter((row) => row.title?.match(/^Group \d+$/) != null)
    .count();
  return texts - groupNotices;
};
