import { expect, type Page } from '@playwright/test';
import { meet } from './journeys';
import { openCache } from './page-cache';
import type { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeEach(async () => {
  server = await BuiltServer.start();
});
test.afterEach(() => server.remove());

/** A second tab that keeps the first from storing anything. @returns what lets go, once that one is gone */
async function holdStorage(anna: Person): Promise<(gone: Promise<unknown>) => Promise<void>> {
  const other = await anna.context.newPage();
  await other.goto('/settings');
  await openCache(other);
  await other.evaluate(
    () =>
      new Promise<void>((held) => {
        const { messages, conversations, outbox, meta } = window.cache;
        const tables = [messages, conversations, outbox, meta];
        const holding = window.cache.transaction('rw', tables, async () => {
          held();
          while (!('let go' in window)) await meta.count();
        });
        Object.assign(window, { holding });
      }),
  );
  const left = () =>
    other.evaluate(() => Object.keys(localStorage).some((name) => name.includes('last-words')));
  return async (gone) => {
    await gone;
    // Nobody can take it as long as the database is held.
    await expect.poll(left).toBe(true);
    await other.evaluate(() => Object.assign(window, { 'let go': true }));
    await other.close();
  };
}

const box = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true });

for (const going of ['closed', 'loaded anew'] as const) {
  test(`what was sent and typed a moment before its page is ${going} is sent once, and there as a draft`, async ({
    browser,
  }) => {
    const { anna, bert } = await meet(browser, server.origin);
    const address = anna.page.url();
    const letGo = await holdStorage(anna);
    await anna.write('Said in the door');
    await box(anna.page).fill('And one more th');
    if (going === 'loaded anew') await letGo(anna.page.reload({ waitUntil: 'commit' }));
    else await letGo(anna.page.close({ runBeforeUnload: true }));
    const page = going === 'closed' ? await anna.context.newPage() : anna.page;
    if (going === 'closed') await page.goto(address);
    await expect(box(page)).toHaveValue('And one more th');
    await expect(bert.message('Said in the door')).toBeVisible();
    await box(page).fill('Goodbye');
    await page.keyboard.press('Enter');
    await expect(bert.message('Goodbye')).toBeVisible();
    await expect(bert.message('Said in the door')).toHaveCount(1);
    await expect(page.locator('[data-message]').filter({ hasText: 'Said in the door' })).toHaveCount(1);
  });
}

test('what was changed a moment before its page is closed is changed, and a draft that was deleted stays so', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const address = anna.page.url();
  await anna.write('Seee you');
  await expect(bert.message('Seee you')).toBeVisible();
  await anna.choose('Seee you', 'Edit');
  const letGo = await holdStorage(anna);
  await box(anna.page).fill('See you');
  await anna.page.keyboard.press('Enter');
  await box(anna.page).fill('Not to be said');
  await box(anna.page).fill('');
  await letGo(anna.page.close({ runBeforeUnload: true }));
  const page = await anna.context.newPage();
  await page.goto(address);
  await expect(bert.message('See you')).toBeVisible();
  await expect(box(page)).toHaveValue('');
});
