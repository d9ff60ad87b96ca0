import { expect, type Page } from '@playwright/test';
import { meet, precached } from './journeys';
import { Person } from './person';
import { BuiltServer } from './server';
import { otherBuild, type SiteCopy } from './site-copy';
import { test } from './test';

let server: BuiltServer;
let next: SiteCopy;

test.beforeEach(async () => {
  server = await BuiltServer.start();
  next = await otherBuild('next');
});
test.afterEach(async () => {
  await server.remove();
  await next.remove();
});

/** The page runs the scripts of the next version; otherwise it is told what stands in the way. */
const expectNext = (page: Page) => expect.poll(() => versionOf(page)).toBe('next');

const versionOf = (page: Page) =>
  page
    .evaluate(async (mark) => {
      const named = [...document.scripts].filter(({ src }) => src !== '');
      const next = named.filter(({ src }) => src.includes(`/${mark}-`));
      if (next.length > 0 && next.length === named.length) return 'next';
      const registration = await navigator.serviceWorker.getRegistration();
      const workers = [registration?.installing, registration?.waiting, registration?.active].map(
        (worker) => worker?.state,
      );
      return `${next.length} of ${named.length} scripts, ${document.readyState}; workers: ${workers}`;
    }, next.mark)
    .catch((error: Error) => error.message);

/** The server moves on to the next version: what the first one was made of is gone from it. */
async function deploy(): Promise<void> {
  await server.stop();
  server.siteFolder = next.folder;
  await server.run();
}

const lookForUpdate = (page: Page) =>
  page.evaluate(async () => {
    await (await navigator.serviceWorker.ready).update();
  });

const box = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true });

test('a new version is offered, taken by all tabs at once, and nothing that was typed is lost', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const { page } = anna;
  await page.reload();
  const second = await anna.context.newPage();
  await second.goto('/settings');
  await expect(second.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
  await deploy();
  await lookForUpdate(page);
  await expect(page.getByText('A new version is here.')).toBeVisible();
  await expect(second.getByText('A new version is here.')).toBeVisible();
  await box(page).fill('Typed and not sent, and then');
  // The last keys are younger than any draft: they are stored before the page goes.
  await box(page).press('!');
  await second.getByRole('button', { name: 'Reload' }).click();
  for (const tab of [page, second]) await expectNext(tab);
  await expect(box(page)).toHaveValue('Typed and not sent, and then!');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(bert.message('Typed and not sent, and then!')).toBeVisible();
});

test('a page that was open before there was a service worker goes along to a new version, and to the one after it', async ({
  browser,
}) => {
  const { bert } = await meet(browser, server.origin);
  // Nothing was loaded anew since.
  const { page } = bert;
  expect(await precached(page)).toBe(true);
  expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
  const second = await bert.context.newPage();
  await second.goto('/settings');
  await expect(second.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
  await deploy();
  await lookForUpdate(page);
  await expect(page.getByText('A new version is here.')).toBeVisible();
  await next.remove();
  next = await otherBuild('after');
  await deploy();
  await lookForUpdate(page);
  await expect
    .poll(() => page.evaluate(async () => (await navigator.serviceWorker.ready).installing))
    .toBeNull();
  await box(page).fill('Begun before that');
  await second.getByRole('button', { name: 'Reload' }).click();
  for (const tab of [page, second]) await expectNext(tab);
  await expect(box(page)).toHaveValue('Begun before that');
});

test('where nothing keeps a new version from taking over, it is offered all the same', async ({
  browser,
}) => {
  const bert = await Person.open(browser, server.origin, 'Bert');
  await bert.signUp();
  const { page } = bert;
  expect(await precached(page)).toBe(true);
  expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
  await deploy();
  await lookForUpdate(page);
  await page.getByRole('button', { name: 'Reload' }).click();
  await expectNext(page);
});

test('a change of an old message that was begun comes back as a draft', async ({ browser }) => {
  const { anna } = await meet(browser, server.origin);
  const { page } = anna;
  await page.reload();
  // What the key takes up is the last own message on the screen: it has to be there.
  await expect(anna.message('Before the tunnel')).toBeVisible();
  await box(page).press('ArrowUp');
  await expect(box(page)).toHaveValue('Before the tunnel');
  await box(page).fill('Before the long tunnel');
  await deploy();
  await lookForUpdate(page);
  await page.getByRole('button', { name: 'Reload' }).click();
  await expectNext(page);
  await expect(box(page)).toHaveValue('Before the long tunnel');
});

for (const [what, clear] of [
  ['whole', async () => undefined],
  [
    'cleared',
    async (page: Page) => {
      await page.evaluate(async () => {
        for (const name of await caches.keys()) await caches.delete(name);
      });
    },
  ],
  [
    'cleared in part, all scripts gone',
    async (page: Page) => {
      await page.evaluate(async () => {
        for (const name of await caches.keys()) {
          const cache = await caches.open(name);
          for (const request of await cache.keys())
            if (/\.js$/.test(request.url)) await cache.delete(request);
        }
      });
    },
  ],
] as const) {
  test(`from an old version whose files are gone from the server one reload leads to a working app: the cache is ${what}`, async ({
    browser,
  }) => {
    const { anna, bert } = await meet(browser, server.origin);
    const { page } = anna;
    await page.reload();
    await expect(anna.message('Have a good trip')).toBeVisible();
    await deploy();
    await clear(page);
    await page.reload();
    await expect(anna.message('Have a good trip')).toBeVisible();
    await anna.write('Still here');
    await expect(bert.message('Still here')).toBeVisible();
    for (const route of ['/settings', '/new', '/share', '/']) {
      await page.goto(route);
      await expect(page.getByRole('navigation', { name: 'Chats' })).toBeAttached();
    }
  });
}

test('a cache of which the browser has cleared a part is filled again by itself', async ({ browser }) => {
  const anna = await Person.open(browser, server.origin, 'Anna');
  await anna.signUp();
  const { page } = anna;
  expect(await precached(page)).toBe(true);
  await page.reload();
  const count = () =>
    page.evaluate(async () => {
      let files = 0;
      for (const name of await caches.keys()) files += (await (await caches.open(name)).keys()).length;
      return files;
    });
  const whole = await count();
  await page.evaluate(async () => {
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of (await cache.keys()).slice(0, 20)) await cache.delete(request);
    }
  });
  expect(await count()).toBeLessThan(whole);
  await page.reload();
  await expect.poll(count).toBe(whole);
  await server.stop();
  await page.goto('/settings');
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
});
