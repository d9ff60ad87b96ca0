import { type BrowserContext, expect, type Page } from '@playwright/test';
import { accessible } from './accessible';
import { share } from './journeys';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

const view = { viewport: { width: 1280, height: 800 } };
const passphrase = 'seven grey herons';
const secret = 'The meeting is behind the old mill';

async function unlock(page: Page, words: string): Promise<void> {
  await page.getByLabel('Passphrase').fill(words);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

async function protect(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await page.getByRole('button', { name: 'Set a passphrase' }).click();
  const dialog = page.getByRole('dialog', { name: 'Set a passphrase' });
  await dialog.getByLabel('New passphrase').fill('short');
  await expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled();
  await dialog.getByLabel('New passphrase').fill(passphrase);
  await dialog.getByLabel('Once more').fill('seven grey heron');
  await expect(dialog.getByText('These are not the same.')).toBeVisible();
  await accessible(page);
  await dialog.getByLabel('Once more').fill(passphrase);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('button', { name: 'Lock now' }).last()).toBeVisible();
}

/** Every value in every database of the origin, as text, and how many usable keys are among them. */
async function dump(context: BrowserContext): Promise<{ text: string; keys: number; rows: number }> {
  const page = await context.newPage();
  await page.goto('/');
  const found = await page.evaluate(async () => {
    const seen = { text: '', keys: 0, rows: 0 };
    const walk = (value: unknown): void => {
      if (value instanceof CryptoKey) seen.keys += 1;
      else if (value instanceof ArrayBuffer) walk(new Uint8Array(value));
      else if (ArrayBuffer.isView(value)) {
        const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
        for (const byte of bytes) seen.text += String.fromCharCode(byte);
      } else if (typeof value === 'object' && value !== null) {
        for (const [key, inner] of Object.entries(value)) {
          seen.text += key;
          walk(inner);
        }
      } else seen.text += String(value);
    };
    const answered = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    for (const { name } of await indexedDB.databases()) {
      const db = await answered(indexedDB.open(name ?? ''));
      for (const store of db.objectStoreNames) {
        const rows: unknown[] = await answered(db.transaction(store).objectStore(store).getAll());
        seen.rows += rows.length;
        walk(rows);
      }
      db.close();
    }
    walk(Object.entries(localStorage));
    walk(Object.entries(sessionStorage));
    return seen;
  });
  await page.close();
  return found;
}

test('with a passphrase nothing of the app can be read, or used, until it is said', async ({ browser }) => {
  const bert = await Person.open(browser, server.origin, 'Bert', view);
  await bert.signUp();
  const anna = await Person.open(browser, server.origin, 'Annabel', view);
  await anna.signUp();
  await anna.page.getByRole('link', { name: 'New conversation' }).first().click();
  await anna.find('bert');
  await anna.page.getByRole('button', { name: 'Write to @bert' }).click();
  await anna.write(secret);
  await expect(anna.message(secret)).toBeVisible();
  await protect(anna.page);

  // All tabs lock together, and none of them shows anything.
  const other = await anna.context.newPage();
  await other.goto('/');
  await expect(other.getByText(secret)).toBeVisible();
  await anna.page.getByRole('button', { name: 'Lock now' }).first().click();
  for (const page of [anna.page, other]) {
    await expect(page.getByRole('heading', { name: 'Locked' })).toBeVisible();
    await expect(page.getByText(secret)).toHaveCount(0);
  }
  const { text, keys, rows } = await dump(anna.context);
  expect(rows).toBeGreaterThan(20);
  expect(keys).toBe(0);
  for (const word of [secret, 'mill', 'Annabel', 'annabel', 'bert', 'Bert', passphrase, 'ed25519'])
    expect(text).not.toContain(word);

  // Five wrong ones change nothing.
  for (let tries = 1; tries <= 5; tries++) {
    await unlock(anna.page, `seven grey heron${tries}`);
    await expect(anna.page.getByRole('main').getByRole('alert')).toContainText('not the passphrase');
    await expect(anna.page.getByLabel('Passphrase')).toHaveValue('');
    await expect(anna.page.getByRole('button', { name: 'Unlock' })).toBeVisible();
  }
  await expect(anna.page.getByText('Is caps lock on')).toBeVisible();
  await accessible(anna.page);

  // The right one opens both tabs; what came meanwhile is there, and what is written goes.
  await unlock(anna.page, passphrase);
  await expect(anna.page.getByText(secret).first()).toBeVisible();
  await expect(other.getByText(secret).first()).toBeVisible();
  await chat(other, /bert/i).click();
  await other.getByRole('textbox', { name: 'Message', exact: true }).fill('Bring the map');
  await other.keyboard.press('Enter');
  await bert.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await expect(bert.message('Bring the map')).toBeVisible();

  // When the last tab is closed the key is gone.
  await other.close();
  await anna.page.close();
  const later = await anna.context.newPage();
  await later.goto('/');
  await expect(later.getByRole('heading', { name: 'Locked' })).toBeVisible();
  // What another app shares now is taken over once it is open, as far as it can wait outside.
  await share(later, { text: 'Seen at the mill' }, ['AAAA']);
  await expect(later.getByRole('heading', { name: 'Locked' })).toBeVisible();
  await unlock(later, passphrase);
  await expect(later.getByText('Seen at the mill')).toBeVisible();
  await expect(later.getByText('Pictures cannot be taken in while Aparté is locked.')).toBeVisible();
  await accessible(later);
  await expect(later.getByText('Bring the map').first()).toBeVisible();

  // Taken away, it is not asked for any more.
  await later.getByRole('link', { name: 'Settings' }).first().click();
  await later.getByRole('button', { name: 'Remove the passphrase' }).click();
  const dialog = later.getByRole('dialog');
  await dialog.getByLabel('Passphrase until now').fill('wrong one');
  await dialog.getByRole('button', { name: 'Remove the passphrase' }).click();
  await expect(dialog.getByRole('alert')).toContainText('not the passphrase');
  await dialog.getByLabel('Passphrase until now').fill(passphrase);
  await dialog.getByRole('button', { name: 'Remove the passphrase' }).click();
  await expect(later.getByRole('button', { name: 'Set a passphrase' })).toBeVisible();
  await later.reload();
  await expect(later.getByRole('button', { name: 'Set a passphrase' })).toBeVisible();
});

test('left alone it locks by itself, and who has forgotten the passphrase starts anew', async ({
  browser,
}) => {
  const cora = await Person.open(browser, server.origin, 'Cora', view);
  await cora.signUp();
  await protect(cora.page);
  await cora.page.getByLabel('Lock by itself when unused').selectOption('1');
  await expect(cora.page.getByLabel('Lock by itself when unused')).toHaveValue('1');
  // Somebody comes back to a machine that slept for two minutes.
  await cora.page.evaluate(() => {
    localStorage.setItem('aparte-touched', String(Date.now() - 120_000));
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect(cora.page.getByRole('heading', { name: 'Locked' })).toBeVisible();
  await cora.page.getByRole('button', { name: 'I have forgotten it' }).click();
  await expect(cora.page.getByRole('button', { name: 'Erase and start anew' })).toBeDisabled();
  await accessible(cora.page);
  await cora.page.getByLabel('Erase what is on this device').check();
  await cora.page.getByRole('button', { name: 'Erase and start anew' }).click();
  await expect(cora.page.getByRole('button', { name: 'Create account' })).toBeVisible();
});
