import { expect } from '@playwright/test';
import { makeKey, recover } from './journeys';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

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
  await chat(page, /Bert/).click();
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
