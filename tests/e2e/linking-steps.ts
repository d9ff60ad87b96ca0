import { expect, type Page } from '@playwright/test';

/** What two people with a good eye do to link a device. */

/** Opens the linking dialog of a device that has the account. @returns the code that it shows */
export async function offer(page: Page): Promise<string> {
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await page.getByRole('button', { name: 'Link a device' }).click();
  return shownCode(page);
}

export async function shownCode(page: Page): Promise<string> {
  const code = page.locator('.link-code');
  await expect(code).toHaveText(/^[0-9A-Z-]{29}$/);
  return (await code.textContent()) ?? '';
}

export async function shownDigits(fresh: Page): Promise<string> {
  const digits = (await fresh.locator('output.digits').textContent()) ?? '';
  expect(digits).toMatch(/^\d\d$/);
  return digits;
}

export async function typeDigits(old: Page, digits: string): Promise<void> {
  await old.getByLabel('The two digits').fill(digits);
  await old.getByRole('button', { name: 'Link', exact: true }).click();
}

export async function compareDigits(fresh: Page, old: Page): Promise<void> {
  await typeDigits(old, await shownDigits(fresh));
}

export async function enterCode(page: Page, code: string): Promise<void> {
  await page.getByLabel('Or type the code').fill(code.toLowerCase().replaceAll('-', ' '));
  await page.getByRole('button', { name: 'Continue' }).click();
}

export async function typeCode(page: Page, code: string): Promise<void> {
  await page.getByRole('button', { name: 'I already have an account' }).click();
  await enterCode(page, code);
}
