import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;

test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
}

test('two people see each other online and typing, until one of them switches that off', async ({
  browser,
}) => {
  const nora = await Person.open(browser, server.origin, 'Nora');
  await nora.signUp();
  const otto = await Person.open(browser, server.origin, 'Otto');
  await otto.signUp();
  await nora.page.goto('/new');
  await nora.find('otto');
  await nora.page.getByRole('button', { name: 'Write to @otto' }).click();
  await nora.write('hello');
  await otto.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await expect(otto.message('hello')).toBeVisible();
  await expect(nora.page.locator('.who-text')).toContainText('@otto');
  // Accepting tells at once, not at the next renewal.
  await otto.page.getByRole('button', { name: 'Accept' }).click();
  await expect(nora.page.locator('.who-text')).toContainText('online', { timeout: 20_000 });
  await expect(nora.page.getByRole('link', { name: /@otto online/ }).first()).toBeVisible();
  await expect(otto.page.locator('.who-text')).toContainText('online');
  await accessible(nora.page);

  await otto.page.getByRole('textbox', { name: 'Message', exact: true }).pressSequentially('I am');
  await expect(nora.page.locator('.who-text')).toContainText('typing…');
  await expect(nora.page.locator('.who-text')).not.toContainText('typing…');

  // Who hears of nobody does not say that somebody is here.
  server.tap.setUp(false);
  await expect(nora.page.locator('.who-text')).not.toContainText('online');
  await expect(nora.page.locator('.online-dot')).toHaveCount(0);
  server.tap.setUp(true);
  await expect(nora.page.locator('.who-text')).toContainText('online', { timeout: 60_000 });
  // Browsers tell of each connection that fails.
  for (const person of [nora, otto]) person.problems.length = 0;

  await otto.page.goto('/settings');
  await otto.page.getByRole('switch', { name: 'Show when I am online' }).click();
  await expect(otto.page.getByRole('switch', { name: 'Show when I am online' })).not.toBeChecked();
  await expect(nora.page.locator('.who-text')).toContainText('last seen just now');
  await expect(nora.page.locator('.online-dot')).toHaveCount(0);
  await accessible(nora.page);
  await accessible(otto.page);
  await otto.page.goBack();
  await expect(otto.page.locator('.who-text')).toContainText('@nora');
  await expect(otto.page.locator('.online-dot')).toHaveCount(0);
  expect([...nora.problems, ...otto.problems]).toEqual([]);
});
