import { expect } from '@playwright/test';
import { meet } from './journeys';
import { messagesSealed, openCache } from './page-cache';
import { chat } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeEach(async () => {
  server = await BuiltServer.start();
});
test.afterEach(() => server.remove());

test('the app opens cold without a network, on every route, and sends what was written once it is back', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const { page } = anna;
  const address = page.url();
  await server.stop('SIGKILL');
  await page.close();

  const cold = await anna.context.newPage();
  await cold.goto('/');
  await expect(chat(cold, /Bert/)).toContainText('Have a good trip');
  await expect(cold.getByText('The server cannot be reached.').first()).toBeVisible();
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

test('without a network a search says so, people who are known can be added to a group, and the devices are listed', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const { page } = anna;
  await page.goto('/new');
  await page.getByRole('region', { name: 'People you know' }).getByRole('button', { name: /Bert/ }).click();
  await page.getByLabel('Name of the group').fill('Choir');
  await page.getByRole('button', { name: 'Create group' }).click();
  await page.getByRole('link', { name: 'Details' }).click();
  await page.getByRole('region', { name: 'Members' }).getByRole('button', { name: 'Remove Bert' }).click();
  const known = page.getByRole('region', { name: 'Add people you know' });
  await expect(known.getByRole('button', { name: /Bert/ })).toBeVisible();
  await anna.context.setOffline(true);
  server.tap.setUp(false);
  await page.getByRole('textbox', { name: 'Add by handle' }).fill('carol');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('The server cannot be reached. Please check your connection.')).toBeVisible();
  await known.getByRole('button', { name: /Bert/ }).click();
  await expect(page.getByRole('region', { name: 'Waiting for a connection' })).toContainText('Add Bert');
  await expect(known).toHaveCount(0);
  await page.goto('/settings');
  const devices = page.getByRole('region', { name: 'Devices', exact: true });
  await expect(devices.getByText('This device')).toBeVisible();
  await expect(devices.getByText('The server cannot be reached.')).toBeVisible();
  server.tap.setUp(true);
  await anna.context.setOffline(false);
  await expect(devices.getByText('Active now')).toBeVisible();
  await expect(devices.getByText('The server cannot be reached.')).toHaveCount(0);
  await expect(chat(bert.page, /Choir/)).toBeVisible();
});

test('fifty messages that were written without a network are sent with the page closed', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  // One of those before may have been the service worker's already.
  const before = server.tap.messageRequests;
  await anna.context.setOffline(true);
  // What is emulated leaves open sockets open.
  server.tap.setUp(false);
  const texts = Array.from({ length: 50 }, (_, index) => `From the tunnel ${index}`);
  for (const text of texts) await anna.write(text);
  await expect(anna.message('From the tunnel 49')).toBeVisible();
  // What is not encrypted yet waits for the next page.
  await messagesSealed(anna.page);
  await anna.page.close();
  expect(server.tap.messageRequests).toBe(before);
  server.tap.setUp(true);
  await anna.context.setOffline(false);
  await expect(bert.message('From the tunnel 49')).toBeVisible();
  expect(anna.context.pages()).toHaveLength(0);
  // A page sends in frames.
  expect(server.tap.messageRequests).toBe(before + 50);
  await openCache(bert.page);
  const heard = await bert.page.evaluate(async () => {
    const rows = await window.cache.messages.filter(({ body }) => body.startsWith('From')).toArray();
    return rows.sort((one, other) => one.order - other.order).map(({ body }) => body);
  });
  expect(heard).toEqual(texts);
});

test('a network that comes back a moment after the page was closed takes along what was written', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  server.tap.setUp(false);
  await anna.write('From the platform');
  await messagesSealed(anna.page);
  await anna.page.close();
  // The service worker has tried, and found none.
  while (!(await server.tap.refusal()).includes('messages.send'));
  server.tap.setUp(true);
  await expect(bert.message('From the platform')).toBeVisible();
});
