import 'fake-indexeddb/auto';
import { type BrowserContext, expect, type Page } from '@playwright/test';
import { accept, sendText } from '../../lib/client/intents';
import { TestDevice } from '../device';
import { dice } from '../dice';
import { messagesSealed, openCache } from './page-cache';
import { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

/** `npm run simulate:kills` has all hundred of them; what every change goes through has fewer. */
const kills = Number(process.env.KILLS ?? 40);

let server: BuiltServer;
let anna: Person;
/** Runs in Node, on the same engine: a correspondent that nobody kills. */
let bert: TestDevice;
let conversationId: string;

test.beforeEach(async ({ browser }) => {
  server = await BuiltServer.start();
  anna = await Person.open(browser, server.origin, 'Anna');
  await anna.signUp();
  bert = new TestDevice(() => server.origin, dice(1));
  bert.start();
  await bert.signUp('bert');
  await anna.page.goto('/new');
  await anna.find('bert');
  await anna.page.getByRole('button', { name: 'Write to @bert' }).click();
  await anna.write('first');
  const row = await bert.until(
    () => bert.db.messages.filter(({ body }) => body === 'first').first(),
    'first',
  );
  conversationId = row.conversationId;
  await accept(bert.author, conversationId);
  await sendText(bert.author, conversationId, 'answer');
  await expect(anna.message('answer')).toBeVisible();
});
test.afterEach(async () => {
  await bert.close();
  await server.remove();
});

/** Ends a tab in one of the ways in which tabs end, and opens another. */
async function kill(page: Page, throwOfDice: number): Promise<Page> {
  const { context, address } = { context: page.context(), address: page.url() };
  if (throwOfDice < 1 / 3) {
    await page.reload({ waitUntil: 'domcontentloaded' });
    return page;
  }
  if (throwOfDice < 2 / 3) await crash(page);
  else await page.close();
  return open(context, address);
}

/** The renderer dies at once, with all its threads: no handler of the page or its worker runs. */
async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash');
  const devtools = await page.context().newCDPSession(page);
  // It never answers.
  devtools.send('Page.crash').catch(() => undefined);
  await crashed;
  await page.close();
}

async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  // Earlier the tab is not the browser's to reload; its engine has not begun yet.
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  return page;
}

/** By its whole text: a clock may follow it in the document. */
const bubble = (page: Page, text: string) =>
  page.locator('[data-message]').filter({ has: page.getByText(text, { exact: true }) });

/** Writes, and waits until the intent is stored: from then on it must not be lost. */
async function write(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
  await page.keyboard.press('Enter');
  await expect(bubble(page, text)).toBeVisible();
}

/** What the correspondent holds, in the order of the conversation. */
const heard = async () =>
  (await bert.db.messages.where('conversationId').equals(conversationId).sortBy('order')).map(
    ({ body }) => body,
  );

/** What a page shows of the conversation, from the first message to the last. */
async function shown(page: Page, first: string): Promise<string[]> {
  let texts: string[] = [];
  await expect
    .poll(async () => {
      const seen = await page.locator('[data-message]').evaluateAll((bubbles) => {
        bubbles[0]?.scrollIntoView({ block: 'end' });
        return bubbles.map((bubble) => bubble.querySelector('.body')?.textContent ?? '');
      });
      const joint = texts.length === 0 ? seen.length : seen.indexOf(texts[0] ?? '');
      if (joint >= 0) texts = [...seen.slice(0, joint), ...texts];
      return texts[0];
    })
    .toBe(first);
  return texts;
}

test('a tab that is killed again and again while it sends, receives and syncs loses nothing and repeats nothing', async () => {
  test.setTimeout(kills * 9_000);
  const throwDice = dice(7);
  const [fromAnna, fromBert] = [['first'], ['answer']];
  let { page } = anna;
  for (let round = 0; round < kills; round++) {
    const texts = [`Anna ${round}`, `Bert ${round}`];
    // Also while the page opens, and while others write.
    if (throwDice() < 0.3) {
      const passed = server.tap.passing(1 + Math.floor(throwDice() * 6));
      page = await kill(page, throwDice());
      await passed;
    }
    await sendText(bert.author, conversationId, texts[1] ?? '');
    fromBert.push(texts[1] ?? '');
    await write(page, texts[0] ?? '');
    fromAnna.push(texts[0] ?? '');
    const sent = bubble(page, texts[0] ?? '');
    const settled = sent.getByRole('img', { name: /Sent|Delivered|Read/ }).waitFor();
    // Whichever comes first; the other may never come in this page.
    await Promise.race([
      server.tap.passing(1 + Math.floor(throwDice() * 12)),
      settled.catch(() => undefined),
    ]);
    page = await kill(page, throwDice());
  }
  await bert.until(
    async () => ((await heard()).length >= 2 + 2 * kills ? true : undefined),
    'all that was written',
  );
  const all = await heard();
  expect(all.filter((text) => fromAnna.includes(text))).toEqual(fromAnna);
  expect(all.filter((text) => fromBert.includes(text))).toEqual(fromBert);
  expect(all).toHaveLength(fromAnna.length + fromBert.length);
  // What waited through many kills comes after what others said meanwhile: the last page may still be fetching that.
  await openCache(page);
  await expect.poll(() => page.evaluate(() => window.cache.messages.count())).toBe(all.length);
  const tail = async () => (await page.locator('[data-message] .body').allTextContents()).slice(-8);
  await expect.poll(tail).toEqual(all.slice(-8));
  await expect(page.locator('.status.queued')).toHaveCount(0);
  expect(await shown(page, 'first')).toEqual(all);
});

/** The tab whose worker holds the engine's lock; `undefined` while it changes hands. */
async function owner(pages: Page[]): Promise<Page | undefined> {
  for (const page of pages) {
    const worker = page.workers()[0];
    const owns = await worker?.evaluate((engineLock) => {
      const probe = crypto.randomUUID();
      return navigator.locks.request(probe, async () => {
        const { held = [] } = await navigator.locks.query();
        const holder = (name: string) => held.find((lock) => lock.name === name)?.clientId;
        return holder(probe) === holder(engineLock);
      });
    }, 'aparte-engine');
    if (owns) return page;
  }
  return undefined;
}

test('five tabs are one device: the tab with the engine is killed again and again, and there is one socket and one key owner', async () => {
  test.setTimeout(kills * 9_000);
  const throwDice = dice(11);
  const address = anna.page.url();
  const pages = [anna.page];
  while (pages.length < 5) pages.push(await open(anna.context, address));
  const fromAnna = ['first'];
  for (let round = 0; round < kills; round++) {
    let holder: Page | undefined;
    await expect
      .poll(async () => {
        holder = await owner(pages);
        return holder !== undefined;
      })
      .toBe(true);
    if (!holder) throw new Error('no tab holds the engine');
    const at = pages.indexOf(holder);
    const text = `Tab ${round}`;
    // Written in any tab, sent by whoever has the engine then.
    await write(pages[Math.floor(throwDice() * pages.length)] ?? holder, text);
    fromAnna.push(text);
    if (throwDice() < 0.5) await crash(holder);
    else await holder.close();
    pages.splice(at, 1, await open(anna.context, address));
    // Bert's connection is the other one.
    await expect.poll(() => [...server.tap.connections].sort()).toEqual([1, 1]);
  }
  await bert.until(
    async () => ((await heard()).length >= 2 + kills ? true : undefined),
    'all that was written',
  );
  expect((await heard()).filter((text) => text !== 'answer')).toEqual(fromAnna);
  for (const page of pages)
    await expect(bubble(page, `Tab ${kills - 1}`).getByRole('img')).toHaveAccessibleName(
      /Sent|Delivered|Read/,
    );
  expect(server.log).not.toContain('replaced');
});

test('fifty messages that were written without a network are sent with the page closed', async () => {
  const { page, context } = anna;
  await page.evaluate(() => navigator.serviceWorker.ready);
  // One of those before may have been the service worker's already.
  const before = server.tap.messageRequests;
  await context.setOffline(true);
  // What is emulated leaves open sockets open.
  server.tap.setUp(false);
  const texts = Array.from({ length: 50 }, (_, index) => `From the tunnel ${index}`);
  for (const text of texts) await write(page, text);
  // What is not encrypted yet waits for the next page.
  await messagesSealed(page);
  await page.close();
  expect(server.tap.messageRequests).toBe(before);
  server.tap.setUp(true);
  await context.setOffline(false);
  await bert.until(async () => ((await heard()).length >= 52 ? true : undefined), 'what was written offline');
  expect(await heard()).toEqual(['first', 'answer', ...texts]);
  // Frames are a page's way to send, requests the service worker's.
  expect(server.tap.messageRequests).toBe(before + 50);
  expect(context.pages()).toHaveLength(0);
});
