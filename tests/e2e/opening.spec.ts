import { expect, type Page } from '@playwright/test';
import { meet } from './journeys';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

test('who comes for the first time reads what this is before a script has come', async ({ browser }) => {
  const open = async (locale: string) => {
    const context = await browser.newContext({ baseURL: server.origin, locale });
    await context.route('**/_next/**/*.js', (route) => route.abort());
    const page = await context.newPage();
    await page.goto('/');
    return page;
  };
  const english = await open('en-GB');
  await expect(english.getByRole('heading', { name: 'Write in private' })).toBeVisible();
  await expect(english.getByRole('main')).toHaveCount(1);
  // The pages are in English; for others the sign stands until their words are here.
  const french = await open('fr-FR');
  await expect(french.getByRole('heading', { name: 'Write in private' })).toBeHidden();
  await expect(french.getByRole('main')).toHaveCount(1);
});

test('the beginning of the welcome stays until the rest is there, also when its file does not come at once', async ({
  browser,
}) => {
  const context = await browser.newContext({ baseURL: server.origin, serviceWorkers: 'block' });
  const html = await (await context.request.get('/')).text();
  const refused = new Set<string>();
  await context.route('**/_next/static/chunks/*.js', (route, request) => {
    const { pathname } = new URL(request.url());
    if (html.includes(pathname) || refused.has(pathname)) return route.continue();
    refused.add(pathname);
    return route.abort();
  });
  const page = await context.newPage();
  await page.addInitScript(() => {
    const look = () => {
      const shown = [...document.querySelectorAll('h1')].some((heading) => heading.checkVisibility());
      if (shown) sessionStorage.setItem('welcomed', '');
      else if (sessionStorage.getItem('welcomed') !== null) sessionStorage.setItem('gone', '');
      requestAnimationFrame(look);
    };
    look();
  });
  await page.goto('/');
  await expect(page.getByLabel('Your name')).toBeVisible();
  expect(refused.size).toBeGreaterThan(0);
  expect(await page.evaluate(() => sessionStorage.getItem('gone'))).toBeNull();
});

test('who has an account is not welcomed while the app opens, with a service worker or without', async ({
  browser,
}) => {
  for (const serviceWorkers of ['allow', 'block'] as const) {
    const name = serviceWorkers === 'allow' ? 'Vera' : 'Wim';
    const person = await Person.open(browser, server.origin, name, { serviceWorkers });
    await person.signUp();
    await person.page.addInitScript(() => {
      const look = () => {
        const welcome = document.querySelector('.welcome');
        if (welcome && getComputedStyle(welcome).display !== 'none') sessionStorage.setItem('welcomed', '');
        requestAnimationFrame(look);
      };
      look();
    });
    await person.page.reload();
    await expect(person.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
    expect(await person.page.evaluate(() => sessionStorage.getItem('welcomed'))).toBeNull();
  }
});

test('nothing in the list moves while the app opens and connects', async ({ browser }) => {
  const { anna } = await meet(browser, server.origin);
  const page = await anna.context.newPage();
  await page.addInitScript(() => {
    new PerformanceObserver((shifts) => {
      for (const shift of shifts.getEntries())
        sessionStorage.setItem('moved', JSON.stringify(shift.toJSON()));
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto('/');
  await expect(chat(page, /Bert/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Make a recovery key' })).toBeVisible();
  await untilOnline(page);
  expect(await page.evaluate(() => sessionStorage.getItem('moved'))).toBeNull();
});

/** Until this page's engine has caught up: the line that says otherwise is gone, and two frames are drawn. */
async function untilOnline(page: Page): Promise<void> {
  await expect(page.locator('.connection.quiet')).toBeAttached();
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
  );
}
