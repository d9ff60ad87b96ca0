import { expect, type Page, test } from '@playwright/test';
import { Person } from './person';
import { BuiltServer } from './server';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

/** Makes a recovery key as a careful person does. @returns it */
async function makeKey(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Make a recovery key' }).first().click();
  const groups = page.locator('.recovery-key span');
  await expect(groups).toHaveCount(8);
  const key = await groups.allTextContents();
  await page.getByRole('button', { name: 'I have written it down' }).click();
  for (const field of await page.getByLabel(/^Group \d$/).all()) await field.fill('ABCD');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('That is not what the key says.')).toBeVisible();
  for (let place = 1; place <= 8; place++) {
    const field = page.getByLabel(`Group ${place}`, { exact: true });
    if ((await field.count()) > 0) await field.fill(key[place - 1]?.toLowerCase() ?? '');
  }
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('Your account can be brought back with this key.')).toBeVisible();
  await page.getByRole('button', { name: 'Done' }).click();
  return key.join(' ');
}

async function recover(page: Page, handle: string, key: string): Promise<void> {
  await page.getByRole('dialog').getByLabel('Handle').fill(handle);
  await page.getByRole('dialog').getByLabel('Recovery key').fill(key);
  await page.getByRole('button', { name: 'Bring it back' }).click();
}

test('who has lost every device gets account, contacts and messages back with the recovery key', async ({
  browser,
}) => {
  const anna = await Person.open(browser, server.origin, 'Anna');
  const bert = await Person.open(browser, server.origin, 'Bert');
  await anna.signUp();
  await bert.signUp();
  await anna.page.goto('/new');
  await anna.find('bert');
  await anna.page.getByRole('button', { name: 'Write to @bert' }).click();
  await anna.write('Written on the first phone');
  await bert.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await bert.page.getByRole('button', { name: 'Accept' }).click();
  await bert.write('Answered by Bert');
  await expect(anna.message('Answered by Bert')).toBeVisible();
  await anna.page.goto('/');
  const key = await makeKey(anna.page);
  await expect(anna.page.getByText('If you lose this device')).toHaveCount(0);
  await anna.page.goto('/settings');
  await expect(anna.page.getByText(/You have had a recovery key since/)).toBeVisible();
  await anna.context.close();

  const fresh = await Person.open(browser, server.origin, 'Anna');
  const { page } = fresh;
  await page.getByRole('button', { name: 'I lost all my devices' }).click();
  await recover(page, 'bert', key);
  await expect(page.getByText('This handle and this recovery key do not belong together.')).toBeVisible();
  await recover(page, 'anna', key);
  await expect(page.getByText('One other device still has it. Is it lost?')).toBeVisible();
  await page.getByRole('button', { name: 'Lost: remove them all' }).click();
  await page.getByRole('link', { name: /Bert/ }).first().click();
  await expect(fresh.message('Written on the first phone')).toBeVisible();
  await expect(fresh.message('Answered by Bert')).toBeVisible();
  await fresh.write('I am back');
  await expect(bert.message('I am back')).toBeVisible();
  await expect(bert.page.getByRole('region', { name: 'Safety number changed' })).toHaveCount(0);
  await page.goto('/settings');
  await expect(page.getByText('Removed. It erases itself as soon as it is reached.')).toBeVisible();
  for (const part of [...server.tap.heard, ...server.tap.frames])
    expect(part).not.toContain(key.replaceAll(' ', ''));
});

test('two people compare their safety number and mark each other as verified', async ({ browser }) => {
  const carl = await Person.open(browser, server.origin, 'Carl');
  const dora = await Person.open(browser, server.origin, 'Dora');
  await carl.signUp();
  await dora.signUp();
  await carl.page.goto('/new');
  await carl.find('dora');
  await carl.page.getByRole('button', { name: 'Write to @dora' }).click();
  await carl.write('Shall we compare?');
  await dora.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await dora.page.getByRole('button', { name: 'Accept' }).click();
  await dora.write('Yes');
  await expect(carl.message('Yes')).toBeVisible();
  const numbers = [];
  for (const { page } of [carl, dora]) {
    await page.getByRole('link', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'Compare the safety number' }).click();
    await expect(page.locator('.safety-number span')).toHaveCount(12);
    numbers.push(await page.locator('.safety-number span').allTextContents());
  }
  expect(numbers[0]).toEqual(numbers[1]);
  await carl.page.getByRole('button', { name: 'It is the same: mark as verified' }).click();
  await expect(carl.page.getByText('You have verified Dora.')).toBeVisible();
  await carl.page.getByRole('button', { name: 'Close' }).click();
  await carl.page.getByRole('link', { name: 'Back' }).click();
  await expect(carl.page.getByRole('img', { name: 'Verified' })).toBeVisible();
  await carl.write('Verified');
  await expect(dora.page.getByText('Verified').first()).toBeAttached();
});
