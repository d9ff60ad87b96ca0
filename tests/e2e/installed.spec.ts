import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, expect } from '@playwright/test';
import config from '../../playwright.config';
import { accessible } from './accessible';
import { precached, share, talk } from './journeys';
import { chat, Person } from './person';
import { photo } from './photo';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
let profile: string;
let context: BrowserContext;

test.beforeEach(async () => {
  server = await BuiltServer.start();
  profile = await mkdtemp(join(tmpdir(), 'aparte-profile-'));
  context = await open();
});
test.afterEach(async () => {
  await context.close();
  await server.remove();
  await rm(profile, { recursive: true, force: true });
});

/** A browser with a profile that stays, as people have it. */
const open = (): Promise<BrowserContext> =>
  chromium.launchPersistentContext(profile, {
    ...config.use?.launchOptions,
    baseURL: server.origin,
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
  });

async function person(name: string): Promise<Person> {
  const page = await context.newPage();
  await page.goto('/');
  return Person.of(context, page, name);
}

test('the browser finds nothing that stands against installing it, and every picture of the manifest is there', async () => {
  const { page } = await person('Anna');
  expect(await precached(page)).toBe(true);
  const cdp = await context.newCDPSession(page);
  const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
  expect(installabilityErrors).toEqual([]);
  const { data = '{}', errors } = await cdp.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  const manifest = JSON.parse(data);
  expect(manifest.id).toBe('/');
  expect(manifest.shortcuts.map(({ url }: { url: string }) => url)).toEqual(['/new', '/#search']);
  for (const { src, sizes } of [...manifest.icons, ...(manifest.screenshots ?? [])]) {
    const size = await page.evaluate(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      return `${image.naturalWidth}x${image.naturalHeight}`;
    }, src);
    if (sizes !== 'any') expect(`${src} ${size}`).toBe(`${src} ${sizes}`);
  }
});

test('a first visit starts the engine once the welcome is drawn, and a page that is opened from the device with its first line: one each time', async () => {
  const anna = await person('Anna');
  await anna.signUp();
  const engines = () => anna.page.workers().filter((worker) => worker.url().includes('/engine-'));
  const startedFirst = () => anna.page.evaluate(() => globalThis.aparteEngine?.worker != null);
  expect(await startedFirst()).toBe(false);
  expect(engines()).toHaveLength(1);
  expect(await precached(anna.page)).toBe(true);
  await anna.page.reload();
  await expect(anna.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
  expect(await startedFirst()).toBe(true);
  expect(engines()).toHaveLength(1);
});

test('after the browser was closed, with the server gone, every route and a deep link open from the device, and what is shared is kept', async ({
  browser,
}) => {
  const anna = await person('Anna');
  const bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
  const deep = anna.page.url();
  expect(await precached(anna.page)).toBe(true);
  await server.stop('SIGKILL');
  await context.close();
  context = await open();
  const cold = await context.newPage();
  await cold.goto(deep);
  await expect(cold.getByRole('heading', { name: 'Bert' })).toBeVisible();
  await expect(cold.locator('[data-message]').filter({ hasText: 'Have a good trip' })).toBeVisible();
  for (const route of [
    '/',
    '/settings',
    '/new',
    deep.replace('/c#', '/group#'),
    '/share',
    '/c?from=elsewhere',
    '/#search',
  ]) {
    await cold.goto(route);
    await expect(cold.getByRole('navigation', { name: 'Chats' })).toBeAttached();
    await expect(chat(cold, /Bert/)).toBeAttached();
  }
  await expect(cold.getByRole('searchbox')).toBeFocused();
  await expect(cold.getByText('The server cannot be reached.').first()).toBeVisible();
  await expect(cold.getByRole('button', { name: 'Try now' })).toBeVisible();
  await share(cold, { text: 'Read this later' });
  await expect(cold.getByRole('heading', { name: 'Share' })).toBeVisible();
  await expect(cold.getByText('Read this later')).toBeVisible();
  // While there is none: one that is back may have been found before the button is reached.
  await cold.getByRole('button', { name: 'Try now' }).click();
  await server.run();
  await expect(cold.getByText('The server cannot be reached.')).toHaveCount(0);
});

test('what another app shares goes into a conversation, as a text that one can still change', async ({
  browser,
}) => {
  const anna = await person('Anna');
  const bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
  const { page } = anna;
  expect(await precached(page)).toBe(true);
  await page.reload();
  await share(page, { title: 'A play', text: 'Tonight at eight', url: 'https://example.org/play' });
  await expect(page.getByRole('heading', { name: 'Share' })).toBeVisible();
  await expect(page.getByText('Tonight at eight')).toBeVisible();
  await accessible(page);
  await page.getByRole('list', { name: 'Conversations' }).getByRole('button', { name: /Bert/ }).click();
  const box = page.getByRole('textbox', { name: 'Message', exact: true });
  await expect(box).toHaveValue('A play\nTonight at eight\nhttps://example.org/play');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(bert.message('Tonight at eight')).toBeVisible();
  await page.goto('/share');
  await expect(page.getByText('Nothing is waiting to be shared.')).toBeVisible();
  await accessible(page);
  await share(page, { title: 'For a new one' });
  await page.getByRole('main').getByRole('link', { name: 'New conversation' }).click();
  await page.getByRole('region', { name: 'People you know' }).getByRole('button', { name: /Bert/ }).click();
  await page.getByLabel('Name of the group').fill('Theatre');
  await page.getByRole('button', { name: 'Create group' }).click();
  await expect(page.getByRole('heading', { name: 'Theatre' })).toBeVisible();
  await expect(box).toHaveValue('For a new one');
});

test('the app offers to be installed after the first conversation, explains it for iOS, and takes no for an answer', async ({
  browser,
}) => {
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
  const anna = await Person.open(browser, server.origin, 'Anna', {
    userAgent: iphone,
    viewport: { width: 390, height: 844 },
  });
  const bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
  const { page } = anna;
  await page.goto('/');
  const offer = page.getByText('Install Aparté: it opens from your home screen');
  // One thing at a time: the recovery key is the graver one.
  await expect(page.getByText('A recovery key brings them back.')).toBeVisible();
  await expect(offer).toHaveCount(0);
  await page.getByRole('button', { name: 'Later' }).click();
  await expect(offer).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await expect(page.getByText('Choose “Add to Home Screen”.')).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.reload();
  await expect(chat(page, /Bert/)).toBeVisible();
  await expect(offer).toHaveCount(0);
  await page.goto('/settings');
  await page.getByRole('button', { name: 'How to install' }).click();
  await expect(page.getByText('Tap Share in the browser’s bar.')).toBeVisible();
});

test('pictures that another app shares go into a conversation, small and beside what one writes to them', async ({
  browser,
}) => {
  const anna = await person('Anna');
  const bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
  const { page } = anna;
  expect(await precached(page)).toBe(true);
  await page.reload();
  const pictures = [await photo(page, 20), Buffer.from('not a picture'), await photo(page, 200)];
  await share(
    page,
    { text: 'Both of them' },
    pictures.map((picture) => picture.toString('base64')),
  );
  await expect(page.getByRole('heading', { name: 'Share' })).toBeVisible();
  const waiting = page.getByRole('list', { name: 'Pictures to send' }).getByRole('img');
  await expect(waiting).toHaveCount(2);
  await accessible(page);
  await page.getByRole('list', { name: 'Conversations' }).getByRole('button', { name: /Bert/ }).click();
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue('Both of them');
  await expect(waiting).toHaveCount(2);
  await accessible(page);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(bert.message('Both of them')).toBeVisible();
  await expect(bert.page.getByRole('button', { name: /^Open picture/ })).toHaveCount(2);
  await page.goto('/share');
  await expect(page.getByText('Nothing is waiting to be shared.')).toBeVisible();
});
