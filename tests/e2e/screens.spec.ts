import { expect } from '@playwright/test';
import { accessible } from './accessible';
import { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;

test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

test('every screen is accessible, wide and narrow, light and dark, and by keyboard alone', async ({
  browser,
}) => {
  const dora = await Person.open(browser, server.origin, 'Dora', { viewport: { width: 1280, height: 800 } });
  const { page } = dora;
  await expect(page.getByRole('heading', { name: 'Write in private' })).toBeVisible();
  await accessible(page);
  await dora.signUp();
  await accessible(page);
  const emil = await Person.open(browser, server.origin, 'Emil');
  await emil.signUp();
  await page.getByRole('link', { name: 'New conversation' }).first().click();
  await dora.find('emil');
  await accessible(page);
  await page.getByRole('button', { name: 'Write to @emil' }).press('Enter');
  await page.getByRole('textbox', { name: 'Message', exact: true }).focus();
  await page.keyboard.type('typed by keyboard');
  await page.keyboard.press('Enter');
  await expect(dora.message('typed by keyboard').getByRole('img', { name: /Sent|Delivered/ })).toBeVisible();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.type(', and mended');
  await page.keyboard.press('Enter');
  await expect(dora.message('typed by keyboard, and mended')).toBeVisible();
  await accessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await accessible(page);
  await page.getByRole('link', { name: 'Details' }).click();
  await expect(page.getByRole('button', { name: /Block/ })).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Compare the safety number' }).click();
  await expect(page.locator('.safety-number span')).toHaveCount(12);
  await accessible(page);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.goto('/settings');
  await expect(page.getByText('This device', { exact: true })).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Make a recovery key' }).last().click();
  await expect(page.locator('.recovery-key span')).toHaveCount(8);
  await accessible(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect(dora.problems).toEqual([]);
});

test('the language is the browser’s and can be switched, and stays so', async ({ browser }) => {
  const fleur = await Person.open(browser, server.origin, 'Fleur', { locale: 'fr-FR' });
  await expect(fleur.page.getByRole('heading', { name: 'Écrivez en privé' })).toBeVisible();
  await fleur.page.getByLabel('Votre nom').fill('Fleur');
  await fleur.page.getByRole('textbox', { name: 'Identifiant' }).fill('fleur');
  await fleur.page.getByRole('button', { name: 'Créer le compte' }).click();
  await fleur.page.getByRole('link', { name: 'Réglages' }).click();
  await fleur.page.getByLabel('Langue').selectOption('English');
  await expect(fleur.page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await fleur.page.reload();
  await expect(fleur.page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await expect(fleur.page.locator('html')).toHaveAttribute('lang', 'en');
});

test('a handle that is taken is said so before anything is sent', async ({ browser }) => {
  const gil = await Person.open(browser, server.origin, 'Gil');
  await gil.signUp();
  const other = await Person.open(browser, server.origin, 'Other');
  await other.page.getByLabel('Your name').fill('Other');
  await other.page.getByRole('textbox', { name: 'Handle' }).fill('@GIL');
  await expect(other.page.getByText('This handle is taken.')).toBeVisible();
  await expect(other.page.getByRole('button', { name: 'Create account' })).toBeDisabled();
});

test('a handle of which a missing network kept the answer is looked up once it is back', async ({
  browser,
}) => {
  const juno = await Person.open(browser, server.origin, 'Juno');
  await juno.signUp();
  const other = await Person.open(browser, server.origin, 'Other');
  await other.page.getByLabel('Your name').fill('Other');
  await other.context.setOffline(true);
  const failed = other.page.waitForEvent('requestfailed', (asked) => asked.url().includes('handleTaken'));
  await other.page.getByRole('textbox', { name: 'Handle' }).fill('@juno');
  await failed;
  await expect(other.page.getByText('This handle is taken.')).toHaveCount(0);
  await other.context.setOffline(false);
  await expect(other.page.getByText('This handle is taken.')).toBeVisible();
});

test('signing out erases the device, and the next account starts empty', async ({ browser }) => {
  const hana = await Person.open(browser, server.origin, 'Hana');
  await hana.signUp();
  const ida = await Person.open(browser, server.origin, 'Ida');
  await ida.signUp();
  await hana.page.goto('/new');
  await hana.find('ida');
  await hana.page.getByRole('button', { name: 'Write to @ida' }).click();
  await hana.write('soon to be gone');
  await expect(hana.message('soon to be gone').getByRole('img', { name: /Sent|Delivered/ })).toBeVisible();
  await hana.page.goto('/settings');
  await hana.page.getByRole('button', { name: 'Sign out and erase this device' }).click();
  await hana.page.getByRole('button', { name: 'Yes, do it' }).click();
  await expect(hana.page.getByText('This device was signed out and its data erased.')).toBeVisible();
  await hana.page.getByLabel('Your name').fill('Hana');
  await hana.page.getByRole('textbox', { name: 'Handle' }).fill('hana2');
  await hana.page.getByRole('button', { name: 'Create account' }).click();
  // From here on it is wished durably: a page that goes at the click takes the wish with it.
  await expect(hana.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
  await hana.page.goto('/');
  await expect(hana.page.getByText('No conversations yet')).toBeVisible();
});

test('two tabs of one profile are one device, and the second takes over from the first', async ({
  browser,
}) => {
  const jon = await Person.open(browser, server.origin, 'Jon');
  await jon.signUp();
  const kim = await Person.open(browser, server.origin, 'Kim');
  await kim.signUp();
  await jon.page.goto('/new');
  await jon.find('kim');
  await jon.page.getByRole('button', { name: 'Write to @kim' }).click();
  await expect(jon.page.getByRole('textbox', { name: 'Message', exact: true })).toBeVisible();
  const second = await jon.context.newPage();
  await second.goto(jon.page.url());
  await jon.page.close();
  await second.getByRole('textbox', { name: 'Message', exact: true }).fill('from the second tab');
  await second.keyboard.press('Enter');
  await kim.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await expect(kim.message('from the second tab')).toBeVisible();
});

test('what is written while the server is away is sent when it is back', async ({ browser }) => {
  const lea = await Person.open(browser, server.origin, 'Lea');
  await lea.signUp();
  const mia = await Person.open(browser, server.origin, 'Mia');
  await mia.signUp();
  await lea.page.goto('/new');
  await lea.find('mia');
  await lea.page.getByRole('button', { name: 'Write to @mia' }).click();
  await lea.write('before');
  await expect(lea.message('before').getByRole('img', { name: /Sent|Delivered/ })).toBeVisible();
  await server.stop('SIGKILL');
  await lea.write('while it is away');
  await expect(
    lea.message('while it is away').getByRole('img', { name: 'Waiting to be sent' }),
  ).toBeVisible();
  await server.run();
  await expect(lea.message('while it is away').getByRole('img', { name: /Sent|Delivered/ })).toBeVisible({
    timeout: 45_000,
  });
  await mia.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await expect(mia.message('while it is away')).toBeVisible();
});
