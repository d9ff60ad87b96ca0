import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, expect } from '@playwright/test';
import { browserWithCamera, film } from './film';
import {
  compareDigits,
  enterCode,
  offer,
  shownCode,
  shownDigits,
  typeCode,
  typeDigits,
} from './linking-steps';
import { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterEach(() => {
  server.tap.setUp(true);
  server.tap.change = (_, text) => text;
});
test.afterAll(() => server.remove());

async function account(browser: Browser, name: string): Promise<Person> {
  const person = await Person.open(browser, server.origin, name);
  await person.signUp();
  return person;
}

test('a linking that the old device cancels ends on the new one too, at every step, and the next one links', async ({
  browser,
}) => {
  const emma = await account(browser, 'Emma');
  const fresh = await Person.open(browser, server.origin, 'Emma');
  await typeCode(fresh.page, await offer(emma.page));
  await shownDigits(fresh.page);
  await expect(emma.page.getByLabel('The two digits')).toBeVisible();
  await emma.page.getByRole('button', { name: 'Cancel' }).click();
  await expect(fresh.page.getByText('The other device has ended the linking.')).toBeVisible();

  // Cancelled before anybody came: the code links nothing.
  const code = await offer(emma.page);
  await emma.page.getByRole('button', { name: 'Cancel' }).click();
  await fresh.page.getByRole('button', { name: 'Start again' }).click();
  await enterCode(fresh.page, code);
  await expect(fresh.page.getByText(/expired|used already|has ended/)).toBeVisible();

  await fresh.page.getByRole('button', { name: 'Start again' }).click();
  await enterCode(fresh.page, await offer(emma.page));
  await compareDigits(fresh.page, emma.page);
  await expect(emma.page.getByText(/^Linked: /)).toBeVisible();
  await expect(fresh.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
});

test('a code that nobody has used in time expires before one’s eyes, and a new one links', async ({
  browser,
}) => {
  const otto = await account(browser, 'Otto');
  const fresh = await Person.open(browser, server.origin, 'Otto');
  server.tap.change = ({ path }, text) =>
    path.includes('linking.open') ? text.replace(/"expiresInMs":\d+/, '"expiresInMs":2500') : text;
  const code = await offer(otto.page);
  await expect(otto.page.getByText(/^Valid for 0:0[0-3]$/)).toBeVisible();
  await expect(otto.page.getByText('The code has expired, or is unknown.')).toBeVisible();
  await typeCode(fresh.page, code);
  await expect(fresh.page.getByText(/has expired|used already|has ended/)).toBeVisible();
  server.tap.change = (_, text) => text;

  await otto.page.getByRole('button', { name: 'Start again' }).click();
  await fresh.page.getByRole('button', { name: 'Start again' }).click();
  await enterCode(fresh.page, await shownCode(otto.page));
  await compareDigits(fresh.page, otto.page);
  await expect(otto.page.getByText(/^Linked: /)).toBeVisible();
});

const steps = ['showing', 'checking', 'confirming', 'finishing'] as const;
test('a network that is cut at any step of a linking comes back, and the linking goes on', async ({
  browser,
}) => {
  const nora = await account(browser, 'Nora');
  const { tap } = server;
  for (const step of steps) {
    const fresh = await Person.open(browser, server.origin, 'Nora');
    const cutAt = async (where: (typeof steps)[number]) => {
      if (where !== step) return;
      const refused = tap.refusal();
      tap.setUp(false);
      await refused;
      tap.setUp(true);
    };
    const code = await offer(nora.page);
    await cutAt('showing');
    await typeCode(fresh.page, code);
    const digits = await shownDigits(fresh.page);
    await cutAt('checking');
    await expect(nora.page.getByLabel('The two digits')).toBeVisible();
    await cutAt('confirming');
    await typeDigits(nora.page, digits);
    await cutAt('finishing');
    await expect(nora.page.getByText(/^Linked: /), `cut while ${step}`).toBeVisible();
    await expect(fresh.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
    await nora.page.getByRole('button', { name: 'Done' }).click();
    await fresh.context.close();
  }
});

test('the new device may show the code, and the old one films it', async ({ browser }) => {
  const folder = await mkdtemp(join(tmpdir(), 'aparte-film-'));
  const file = join(folder, 'qr.y4m');
  const withCamera = await browserWithCamera(file);
  try {
    const paul = await Person.open(withCamera, server.origin, 'Paul', { permissions: ['camera'] });
    await paul.signUp();
    const fresh = await Person.open(browser, server.origin, 'Paul');
    await fresh.page.getByRole('button', { name: 'I already have an account' }).click();
    await fresh.page.getByRole('button', { name: 'Show a code here instead' }).click();
    await shownCode(fresh.page);
    await film(fresh.page.locator('svg.qr'), file);
    await offer(paul.page);
    await paul.page.getByRole('button', { name: 'Scan the other device’s code instead' }).click();
    await compareDigits(fresh.page, paul.page);
    await expect(paul.page.getByText(/^Linked: /)).toBeVisible();
    await expect(fresh.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
  } finally {
    await withCamera.close();
    await rm(folder, { recursive: true, force: true });
  }
});
