import { type Browser, expect, type Page } from '@playwright/test';
import { Person } from './person';

/** The service worker has put everything away. */
export const precached = (page: Page) =>
  page.evaluate(async () => Boolean(await navigator.serviceWorker.ready));

/** Two people sign up, find each other and say a word each. */
export async function talk(one: Person, other: Person): Promise<void> {
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

/** Anna and Bert, who have talked; the service worker holds the page of Anna. */
export async function meet(browser: Browser, origin: string): Promise<{ anna: Person; bert: Person }> {
  const anna = await Person.open(browser, origin, 'Anna');
  const bert = await Person.open(browser, origin, 'Bert');
  await talk(anna, bert);
  expect(await precached(anna.page)).toBe(true);
  return { anna, bert };
}

/** Makes a recovery key as a careful person does. @returns it */
export async function makeKey(page: Page): Promise<string> {
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

export async function recover(page: Page, handle: string, key: string): Promise<void> {
  await page.getByRole('dialog').getByLabel('Handle').fill(handle);
  await page.getByRole('dialog').getByLabel('Recovery key').fill(key);
  await page.getByRole('button', { name: 'Bring it back' }).click();
}

/** What the system does for an installed app that somebody shares with. @param pictures base64 */
export const share = (page: Page, fields: Record<string, string>, pictures: string[] = []) =>
  page.evaluate(
    ([values, files]) => {
      const form = document.createElement('form');
      form.method = 'post';
      form.enctype = 'multipart/form-data';
      form.action = '/share';
      for (const [name, value] of Object.entries(values)) {
        const input = document.createElement('input');
        input.name = name;
        input.value = value;
        form.append(input);
      }
      const chosen = new DataTransfer();
      for (const [index, file] of files.entries()) {
        const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
        chosen.items.add(new File([bytes], `${index}.jpg`, { type: 'image/jpeg' }));
      }
      const input = document.createElement('input');
      input.type = 'file';
      input.name = 'pictures';
      input.multiple = true;
      input.files = chosen.files;
      form.append(input);
      document.body.append(form);
      form.submit();
    },
    [fields, pictures] as const,
  );
