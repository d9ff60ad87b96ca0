import { readFile } from 'node:fs/promises';
import { expect, type Page } from '@playwright/test';
import { WEBP } from 'image-size/types/webp';
import { accessible } from './accessible';
import { meet } from './journeys';
import { chat } from './person';
import { photo, place } from './photo';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeEach(async () => {
  server = await BuiltServer.start();
});
test.afterEach(() => server.remove());

const choose = async (page: Page, ...files: Buffer[]) => {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add pictures' }).click();
  await (await chooser).setFiles(
    files.map((buffer, index) => ({ name: `photo-${index}.jpg`, mimeType: 'image/jpeg', buffer })),
  );
};

const waiting = (page: Page) => page.getByRole('list', { name: 'Pictures to send' }).getByRole('img');

/** Pictures that are shown, not their stand-ins. */
const shown = (page: Page) => page.getByRole('button', { name: /^Open picture/ }).locator('img');

/** A picture as it is saved from the screen. */
const saved = async (page: Page, index = 0): Promise<{ name: string; bytes: Buffer }> => {
  await shown(page).nth(index).click();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Save picture' }).click();
  const file = await download;
  await page.keyboard.press('Escape');
  await expect(page.getByRole('link', { name: 'Save picture' })).toHaveCount(0);
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
};

test('a photograph of megabytes arrives a fifth of its size, upright, without the place where it was taken', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const original = await photo(anna.page);
  expect(original.length).toBeGreaterThan(2_500_000);
  expect(original.includes(place)).toBe(true);
  await choose(anna.page, original);
  await expect(waiting(anna.page)).toHaveCount(1);
  await anna.write('From the bridge');
  await expect(shown(bert.page)).toBeVisible();
  await expect(bert.message('From the bridge')).toBeVisible();
  await expect(anna.message('From the bridge').getByRole('img', { name: /Delivered|Read/ })).toBeVisible();
  const { name, bytes } = await saved(bert.page);
  expect(name).toMatch(/^aparte-\d{4}-\d\d-\d\d\.webp$/);
  expect(bytes.length).toBeLessThan(500_000);
  expect(bytes.length).toBeLessThan(original.length / 5);
  expect(bytes.includes('GPS')).toBe(false);
  expect(bytes.subarray(8, 12).toString()).toBe('WEBP');
  // Upright.
  expect(WEBP.calculate(bytes)).toMatchObject({ width: 1_536, height: 2_048 });
  await accessible(bert.page);
  await shown(bert.page).click();
  await expect(bert.page.getByRole('dialog', { name: 'From the bridge' }).getByRole('img')).toBeVisible();
  await accessible(bert.page);
  expect([...anna.problems, ...bert.problems]).toEqual([]);
});

test('pictures are chosen, looked over, removed and sent without a network, and a reload loses none', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const { page } = anna;
  await anna.context.setOffline(true);
  server.tap.setUp(false);
  await choose(page, await photo(page, 20), await photo(page, 120), await photo(page, 220));
  await expect(waiting(page)).toHaveCount(3);
  await page.getByRole('button', { name: 'Remove picture 2' }).click();
  await expect(waiting(page)).toHaveCount(2);
  await page.reload();
  await expect(waiting(page)).toHaveCount(2);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(waiting(page)).toHaveCount(0);
  await expect(shown(page)).toHaveCount(2);
  await expect(page.getByRole('img', { name: 'Waiting to be sent' })).toHaveCount(2);
  server.tap.setUp(true);
  await anna.context.setOffline(false);
  await expect(shown(bert.page)).toHaveCount(2);
  for (const index of [0, 1])
    expect((await saved(bert.page, index)).bytes.equals((await saved(page, index)).bytes)).toBe(true);
  // They are here now: a cold start without a network shows them.
  const address = bert.page.url();
  await bert.context.setOffline(true);
  server.tap.setUp(false);
  await bert.page.goto('/');
  await expect(chat(bert.page, /Anna/)).toContainText('Picture');
  await bert.page.goto(address);
  await expect(shown(bert.page)).toHaveCount(2);
});

test('what is no picture is said to be none, one that is pasted is taken, and a deleted one goes everywhere', async ({
  browser,
}) => {
  const { anna, bert } = await meet(browser, server.origin);
  const { page } = anna;
  // What is dropped is taken as what is chosen.
  await page.getByRole('log').evaluate((list) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['not a picture'], 'words.txt', { type: 'text/plain' }));
    list.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  });
  await expect(page.getByText('This file is not a picture that can be read here.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Message', exact: true }).evaluate(async (field) => {
    const canvas = new OffscreenCanvas(300, 200);
    canvas.getContext('2d')?.fillRect(20, 20, 200, 100);
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([await canvas.convertToBlob()], 'pasted.png', { type: 'image/png' }));
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  });
  await expect(waiting(page)).toHaveCount(1);
  await expect(page.getByText('This file is not a picture that can be read here.')).toHaveCount(0);
  await anna.write('Look');
  await expect(shown(bert.page)).toBeVisible();
  await anna.choose('Look', 'Delete for everyone');
  await expect(bert.page.getByText('This message was deleted.')).toBeVisible();
  await expect(shown(bert.page)).toHaveCount(0);
  await expect(shown(page)).toHaveCount(0);
});
