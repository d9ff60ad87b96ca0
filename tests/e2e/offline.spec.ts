import { expect, type Page, test } from '@playwright/test';
import { Person } from './person';
import { BuiltServer } from './server';

let server: BuiltServer;
test.beforeEach(async () => {
  server = await BuiltServer.start();
});
test.afterEach(() => server.remove());

/** The service worker has put everything away. */
const precached = (page: Page) => page.evaluate(async () => Boolean(await navigator.serviceWorker.ready));

async function talk(one: Person, other: Person): Promise<void> {
  await one.signUp();
  await other.signUp();
  await one.page.goto('/new');
  await one.find(other.handle);
  await one.page.getByRole('button', { name: `Write to @${other.handle}` }).click();
  await one.write('Before the tunnel');
  await expect(one.message('Before the tunnel').getByRole('img', { name: /Sent|Delivered/ })).toBeVisible();
  await other.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await other.page.getByRole('button', { name: 'Accept' }).click();
  await other.write('Have a good trip');
  await expect(one.message('Have a good trip')).toBeVisible();
}

test('the app opens cold without a network, on every route, and sends what was written once it is back', async ({
  browser,
}) => {
  const anna = await Person.open(browser, server.origin, 'Anna');
  const bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
  const { page } = anna;
  const address = page.url();
  expect(await precached(page)).toBe(true);
  await server.stop('SIGKILL');
  await page.close();

  const cold = await anna.context.newPage();
  await cold.goto('/');
  await expect(cold.getByRole('link', { name: /Bert/ }).first()).toContainText('Have a good trip');
  await expect(cold.getByText('No connection. Trying again soon.').first()).toBeVisible();
  await cold.goto(address);
  await expect(cold.getByRole('heading', { name: 'Bert' })).toBeVisible();
  await cold.getByRole('textbox', { name: 'Message', exact: true }).fill('In the tunnel');
  await cold.keyboard.press('Enter');
  await cold.getByRole('link', { name: 'Settings' }).first().click();
  await expect(cold.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
  for (const route of ['/settings', '/new', '/group', '/c?from=elsewhere']) {
    await cold.goto(route);
    await expect(cold.getByRole('navigation', { name: 'Chats' })).toBeAttached();
  }
  await server.run();
  await expect(bert.message('In the tunnel')).toBeVisible();
});
