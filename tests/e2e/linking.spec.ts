import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, expect } from '@playwright/test';
import { toFile } from 'qrcode';
import { browserWithCamera, film } from './film';
import { compareDigits, offer, typeCode } from './linking-steps';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
let folder: string;

test.beforeAll(async () => {
  server = await BuiltServer.start();
  folder = await mkdtemp(join(tmpdir(), 'aparte-film-'));
});
test.afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

async function settled(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: 'Done' }).click();
}

async function talk(browser: Browser, names: [string, string]): Promise<[Person, Person]> {
  const [one, other] = [
    await Person.open(browser, server.origin, names[0]),
    await Person.open(browser, server.origin, names[1]),
  ];
  await one.signUp();
  await other.signUp();
  await one.page.getByRole('link', { name: 'New conversation' }).first().click();
  await one.find(other.handle);
  await one.page.getByRole('button', { name: `Write to @${other.handle}` }).click();
  await one.write('The first words');
  await other.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await other.page.getByRole('button', { name: 'Accept' }).click();
  // The conversation may be there before its first message is: an answer must not overtake it.
  await expect(other.message('The first words')).toBeVisible();
  await other.write('And the answer');
  await expect(one.message('And the answer')).toBeVisible();
  return [one, other];
}

test('a device linked by filming the QR code has the history, and reading on one clears the badge on the other', async ({
  browser,
}) => {
  const [anna, bert] = await talk(browser, ['Anna', 'Bert']);
  await offer(anna.page);
  const file = join(folder, 'qr.y4m');
  await film(anna.page.locator('svg.qr'), file);
  const second = await browserWithCamera(file);
  try {
    const phone = await Person.open(second, server.origin, 'Anna', { permissions: ['camera'] });
    await phone.page.getByRole('button', { name: 'I already have an account' }).click();
    await compareDigits(phone.page, anna.page);
    await expect(anna.page.getByText(/^Linked: /)).toBeVisible();
    await settled(anna);
    await chat(phone.page, /Bert/).click();
    await expect(phone.message('The first words')).toBeVisible();
    await expect(phone.message('And the answer')).toBeVisible();

    await phone.page.goto('/');
    await anna.page.goto('/');
    await bert.write('Who reads this first?');
    const badge = (person: Person) => person.page.getByText('1 unread message');
    await expect(badge(anna)).toBeAttached();
    await expect(badge(phone)).toBeAttached();
    await chat(phone.page, /Bert/).click();
    await expect(phone.message('Who reads this first?')).toBeVisible();
    await expect(badge(anna)).toHaveCount(0);

    await phone.write('I do, on my phone');
    await expect(bert.message('I do, on my phone')).toBeVisible();
    await chat(anna.page, /Bert/).click();
    await expect(anna.message('I do, on my phone')).toBeVisible();

    await anna.page.getByRole('link', { name: 'Settings' }).first().click();
    await phone.page.goto('/');
    await bert.write('Who is still there?');
    await expect(phone.page).toHaveTitle('(1) Aparté');
    await anna.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await anna.page.getByRole('button', { name: 'Yes, do it' }).click();
    await expect(phone.page.getByText('This device was signed out and its data erased.')).toBeVisible();
    await expect(phone.page).toHaveTitle('Aparté');
    const left = await phone.page.evaluate(async () => (await indexedDB.databases()).map((one) => one.name));
    expect(left.filter((name) => name?.startsWith('aparte-machine'))).toEqual([]);
    await expect(anna.page.getByRole('button', { name: 'Remove', exact: true })).toHaveCount(0);
  } finally {
    await second.close();
  }
});

test('a device links by typed code and by picture; others hear of it and can undo it', async ({
  browser,
}) => {
  const [clara] = await talk(browser, ['Clara', 'Dora']);
  const tablet = await Person.open(browser, server.origin, 'Clara');
  await typeCode(tablet.page, await offer(clara.page));
  await compareDigits(tablet.page, clara.page);
  await settled(clara);
  await chat(tablet.page, /Dora/).click();
  await expect(tablet.message('And the answer')).toBeVisible();

  // The tablet links a third device, with a picture; the first one is told.
  await offer(tablet.page);
  const picture = join(folder, 'qr.png');
  await writeFile(picture, await tablet.page.locator('svg.qr').screenshot());
  const third = await Person.open(browser, server.origin, 'Clara');
  await third.page.getByRole('button', { name: 'I already have an account' }).click();
  await third.page.locator('input[type=file]').setInputFiles(picture);
  await compareDigits(third.page, tablet.page);
  await expect(clara.page.getByRole('alert').getByText(/was linked to your account/)).toBeVisible();
  await clara.page.getByRole('button', { name: 'No, remove it' }).click();
  await expect(third.page.getByRole('button', { name: 'I already have an account' })).toBeVisible();
});

test('wrong digits, a used code, a wrong code and a cancelled linking end in a sentence and a way on', async ({
  browser,
}) => {
  const emma = await Person.open(browser, server.origin, 'Emma');
  await emma.signUp();
  const fresh = await Person.open(browser, server.origin, 'Emma');
  const code = await offer(emma.page);
  await typeCode(fresh.page, 'ABC');
  await expect(fresh.page.getByText('That is not a valid code.')).toBeVisible();
  await fresh.page.getByRole('button', { name: 'Start again' }).click();
  await fresh.page.getByLabel('Or type the code').fill(code);
  await fresh.page.getByRole('button', { name: 'Continue' }).click();
  const digits = (await fresh.page.locator('output.digits').textContent()) ?? '';
  await emma.page.getByLabel('The two digits').fill(digits === '00' ? '01' : '00');
  await emma.page.getByRole('button', { name: 'Link', exact: true }).click();
  for (const person of [emma, fresh])
    await expect(person.page.getByText('The two digits were not the same.')).toBeVisible();

  await fresh.page.getByRole('button', { name: 'Start again' }).click();
  await fresh.page.getByLabel('Or type the code').fill(code);
  await fresh.page.getByRole('button', { name: 'Continue' }).click();
  await expect(fresh.page.getByText(/expired|used already/)).toBeVisible();

  await emma.page.getByRole('button', { name: 'Start again' }).click();
  await expect(emma.page.locator('.link-code')).not.toHaveText(code);
  const next = (await emma.page.locator('.link-code').textContent()) ?? '';
  await fresh.page.getByRole('button', { name: 'Start again' }).click();
  await fresh.page.getByLabel('Or type the code').fill(next);
  await fresh.page.getByRole('button', { name: 'Continue' }).click();
  await expect(fresh.page.locator('output.digits')).toBeVisible();
  await fresh.page.getByRole('button', { name: 'Cancel' }).click();
  await expect(emma.page.getByText('The other device has ended the linking.')).toBeVisible();
});

test('what stands below the camera does not move when that cannot be used', async ({ browser }) => {
  const { page } = await Person.open(browser, server.origin, 'Karl');
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () =>
      new Promise((_resolve, reject) => {
        addEventListener('refuse', () => reject(new DOMException('There is none.', 'NotFoundError')));
        document.body.dataset.asked = 'yes';
      });
  });
  await page.getByRole('button', { name: 'I already have an account' }).click();
  await expect(page.locator('body')).toHaveAttribute('data-asked', 'yes');
  const use = page.getByRole('button', { name: 'Continue' });
  const before = await use.boundingBox();
  await page.evaluate(() => dispatchEvent(new Event('refuse')));
  await expect(page.getByText('The camera cannot be used here.')).toBeVisible();
  expect(await use.boundingBox()).toEqual(before);
});

test('a code that many readers miss at any size is read from a picture', async ({ browser }) => {
  const fresh = await Person.open(browser, server.origin, 'Jana');
  await fresh.page.getByRole('button', { name: 'I already have an account' }).click();
  const picture = join(folder, 'hard.png');
  await toFile(picture, 'BHTK5650E8FE6F9H68DT6KCB9', { errorCorrectionLevel: 'M', scale: 6 });
  // Who chose none at first is still here: that a choice is called off is not that the dialog is.
  await fresh.page.locator('input[type=file]').dispatchEvent('cancel', { bubbles: true });
  await fresh.page.locator('input[type=file]').setInputFiles(picture);
  // It is read, and is no code of ours.
  await expect(fresh.page.getByText('That is not a valid code.')).toBeVisible();
});

test('a linked device reads and writes from its own cache while the server is away', async ({ browser }) => {
  const [fanny, gus] = await talk(browser, ['Fanny', 'Gus']);
  const phone = await Person.open(browser, server.origin, 'Fanny');
  await typeCode(phone.page, await offer(fanny.page));
  await compareDigits(phone.page, fanny.page);
  await settled(fanny);
  // The list is there before the messages are.
  await chat(phone.page, /Gus/).click();
  await expect(phone.message('The first words')).toBeVisible();
  await phone.page.getByRole('link', { name: 'Settings' }).first().click();
  await expect(phone.message('The first words')).toBeHidden();
  await server.stop('SIGKILL');
  await chat(phone.page, /Gus/).click();
  await expect(phone.message('The first words')).toBeVisible();
  await phone.write('From the tunnel');
  await expect(
    phone.message('From the tunnel').getByRole('img', { name: 'Waiting to be sent' }),
  ).toBeVisible();
  await server.run();
  await expect(gus.message('From the tunnel')).toBeVisible();
  await chat(fanny.page, /Gus/).click();
  await expect(fanny.message('From the tunnel')).toBeVisible();

  // What is written on one device and not sent stands on the other.
  await phone.page.getByRole('textbox', { name: 'Message', exact: true }).fill('Half a thought');
  await expect(fanny.page.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue(
    'Half a thought',
  );
});

test('a device that was closed when it was removed shows nothing when it is opened, and erases itself', async ({
  browser,
}) => {
  const [hugo] = await talk(browser, ['Hugo', 'Irma']);
  const phone = await Person.open(browser, server.origin, 'Hugo');
  await typeCode(phone.page, await offer(hugo.page));
  await compareDigits(phone.page, hugo.page);
  await settled(hugo);
  await chat(phone.page, /Irma/).click();
  await expect(phone.message('The first words')).toBeVisible();
  const address = phone.page.url();
  await phone.page.goto('about:blank');
  await hugo.page.getByRole('button', { name: 'Remove', exact: true }).click();
  await hugo.page.getByRole('button', { name: 'Yes, do it' }).click();
  await expect(hugo.page.getByText('Removed. It erases itself as soon as it is reached.')).toBeVisible();

  await phone.page.addInitScript(() => {
    const shown: string[] = [];
    Object.assign(window, { shown });
    new MutationObserver(() => {
      const text = document.body?.textContent ?? '';
      if (text.includes('Irma') || text.includes('The first words')) shown.push(text);
    }).observe(document, { childList: true, subtree: true, characterData: true });
  });
  await phone.page.goto(address);
  await expect(phone.page.getByText('This device was signed out and its data erased.')).toBeVisible();
  expect(await phone.page.evaluate(() => Reflect.get(window, 'shown'))).toEqual([]);
  await expect(hugo.page.getByText('Removed, and everything on it is erased.')).toBeVisible();
  const left = await phone.page.evaluate(async () => (await indexedDB.databases()).map((one) => one.name));
  expect(left.filter((name) => name?.startsWith('aparte-machine'))).toEqual([]);

  // The same tab can be a device of the account again.
  await typeCode(phone.page, await offer(hugo.page));
  await compareDigits(phone.page, hugo.page);
  await settled(hugo);
  await chat(phone.page, /Irma/).click();
  await expect(phone.message('The first words')).toBeVisible();
});
