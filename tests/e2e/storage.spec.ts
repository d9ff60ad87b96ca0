import { type CDPSession, expect, type Page } from '@playwright/test';
import { makeKey, recover, talk } from './journeys';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
let anna: Person;
let bert: Person;

test.beforeEach(async ({ browser }) => {
  server = await BuiltServer.start();
  anna = await Person.open(browser, server.origin, 'Anna');
  bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
});
test.afterEach(() => server.remove());

const devtools = (page: Page): Promise<CDPSession> => page.context().newCDPSession(page);

/** Deletes databases of the profile, from a page on which nothing of the app runs. */
async function deleteDatabases(person: Person, prefix: string): Promise<void> {
  await person.page.goto('/icon.svg');
  await person.page.evaluate(async (start) => {
    for (const { name } of await indexedDB.databases()) {
      if (!name?.startsWith(start)) continue;
      await new Promise((resolve, reject) => {
        const asked = indexedDB.deleteDatabase(name);
        asked.onsuccess = resolve;
        asked.onerror = reject;
      });
    }
  }, prefix);
}

test('a browser that clears everything under an open page: the page says so, and the recovery key brings all back', async () => {
  const { page } = anna;
  await page.goto('/');
  const key = await makeKey(page);
  const cdp = await devtools(page);
  await cdp.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'indexeddb' });
  await expect(page.getByRole('heading', { name: 'This browser has cleared your data' })).toBeVisible();
  await expect(page.getByText('@anna')).toBeVisible();
  await page.getByRole('button', { name: 'Use the recovery key' }).click();
  await expect(page.getByRole('dialog').getByLabel('Handle')).toHaveValue('anna');
  await recover(page, 'anna', key);
  await expect(page.getByText('Your account is back. One other device still has it.')).toBeVisible();
  await page.getByRole('button', { name: 'Lost: remove them all' }).click();
  await chat(page, /Bert/).click();
  await expect(anna.message('Have a good trip')).toBeVisible();
  await expect(anna.message('Before the tunnel')).toBeVisible();
  await anna.write('I am back');
  await expect(bert.message('I am back')).toBeVisible();
});

test('messages that are cleared while the keys remain come back by themselves', async () => {
  await deleteDatabases(anna, 'aparte-nothing');
  await anna.page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const asked = indexedDB.deleteDatabase('aparte');
        asked.onsuccess = resolve;
        asked.onerror = reject;
      }),
  );
  await anna.page.goto('/');
  await expect(anna.page.getByText('Your messages are being fetched again')).toBeVisible();
  await anna.page.getByRole('button', { name: 'OK' }).click();
  await chat(anna.page, /Bert/).click();
  await expect(anna.message('Have a good trip')).toBeVisible();
  await expect(anna.message('Before the tunnel')).toBeVisible();
  await anna.write('Still me');
  await expect(bert.message('Still me')).toBeVisible();
});

test('keys that are cleared while the messages remain: all can be read, and the app says what is to be done', async () => {
  const { page } = anna;
  await page.goto('/');
  const key = await makeKey(page);
  await deleteDatabases(anna, 'aparte-machine');
  await page.goto('/');
  await expect(page.getByText('The keys of this device are gone')).toBeVisible();
  await chat(page, /Bert/).click();
  await expect(anna.message('Have a good trip')).toBeVisible();
  await anna.write('Not sent yet');
  await page.getByRole('button', { name: 'Use the recovery key' }).click();
  await recover(page, 'anna', key);
  await page.getByRole('button', { name: 'Lost: remove them all' }).click();
  await page.goto('/');
  await chat(page, /Bert/).click();
  await expect(anna.message('Have a good trip')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue('Not sent yet');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(bert.message('Not sent yet')).toBeVisible();
});

test('a key of the storage that is cleared makes all that it sealed unreadable: the app says so, and begins anew', async () => {
  const { page } = anna;
  await page.goto('/');
  const key = await makeKey(page);
  await deleteDatabases(anna, 'aparte-keys');
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'This browser has cleared your data' })).toBeVisible();
  await page.getByRole('button', { name: 'Use the recovery key' }).click();
  await recover(page, 'anna', key);
  await page.getByRole('button', { name: 'Lost: remove them all' }).click();
  await chat(page, /Bert/).click();
  await expect(anna.message('Have a good trip')).toBeVisible();
});

test('a full storage is said, what is typed stays in its field, and with room again everything goes on', async () => {
  const { page } = anna;
  const cdp = await devtools(page);
  const { usage } = await cdp.send('Storage.getUsageAndQuota', { origin: server.origin });
  await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: Math.ceil(usage) });
  await expect(async () => {
    await bert.write(`A long word ${'la'.repeat(3_000)}`);
    await anna.write(`Another ${'lo'.repeat(3_000)}`);
    await expect(page.getByText('This device is full')).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('No room for this');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue(/No room for this/);
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('');
  await page.keyboard.press('ArrowUp');
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('No room for this change');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue(
    'No room for this change',
  );
  await expect(page.getByText('Editing')).toBeVisible();
  await page.keyboard.press('Escape');
  await bert.write('Waiting on the server');
  await expect(anna.message('Waiting on the server')).toHaveCount(0);
  await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
  // If the app has not found it by itself in this moment.
  await page.getByRole('button', { name: 'Try again' }).evaluateAll((buttons: HTMLElement[]) => {
    for (const button of buttons) button.click();
  });
  await expect(anna.message('Waiting on the server')).toBeVisible();
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('Room again');
  await page.keyboard.press('Enter');
  await expect(bert.message('Room again')).toBeVisible();
  await expect(page.getByText('This device is full')).toHaveCount(0);
});
