import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from '@playwright/test';
import { root, withBrowser } from '../bench/browsers';
import { Person } from './e2e/person';

/** Makes the pictures of the manifest from the running app: `npm run screenshots`. */
const folder = join(root, 'public/screenshots');
const wide = { width: 1280, height: 800 };
const narrow = { width: 390, height: 844 };

const dialogue: [from: 'Camille' | 'Anna', text: string][] = [
  ['Camille', 'Are we still on for the theatre tonight?'],
  ['Anna', 'Yes! Row F, two seats on the aisle'],
  ['Camille', 'Perfect. I am on the train, no signal until Lyon'],
  ['Anna', 'Write anyway, it goes out by itself'],
  ['Camille', 'That is what I like about it. See you at the stage door?'],
  ['Anna', 'At half past seven. Bring the programme'],
];

await mkdir(folder, { recursive: true });
await withBrowser(console.error, async (browser, origin) => {
  const anna = await visitor(browser, origin, 'Anna');
  const others: Person[] = [];
  for (const [name, first] of [
    ['Noor', 'The draft is in the shared folder'],
    ['Theo', 'Merci, à demain !'],
    ['Ines', 'Rehearsal moved to Thursday'],
    ['Camille', ''],
  ] as const) {
    const other = await visitor(browser, origin, name);
    others.push(other);
    await other.page.goto('/new');
    await other.find('anna');
    await other.page.getByRole('button', { name: 'Write to @anna' }).click();
    await other.write(first || (dialogue[0]?.[1] ?? ''));
    await anna.page.getByRole('region', { name: 'Requests' }).getByRole('link').first().click();
    await anna.page.getByRole('button', { name: 'Accept' }).click();
  }
  const camille = others.at(-1);
  if (!camille) throw new Error('nobody to talk to');
  for (const [from, text] of dialogue.slice(1)) {
    const [writer, reader] = from === 'Anna' ? [anna, camille] : [camille, anna];
    await writer.write(text);
    await reader.message(text).waitFor();
  }
  await others[0]?.write('Tell me what you think');
  const { page } = anna;
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.getByRole('img', { name: 'Read', exact: true }).first().waitFor();
  const take = async (name: string) => {
    for (const answer of ['Later', 'Not now']) {
      const button = page.getByRole('button', { name: answer });
      if (await button.isVisible()) await button.click();
    }
    await page.getByText('Connecting…').waitFor({ state: 'hidden' });
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };
  await take('wide-conversation');
  const address = page.url();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByText('This device', { exact: true }).waitFor();
  await take('wide-devices');
  await page.setViewportSize(narrow);
  await page.goto('/');
  await page.getByRole('link', { name: /Camille/ }).waitFor();
  await take('narrow-list');
  await page.goto(address);
  await anna.message('Bring the programme').waitFor();
  await take('narrow-conversation');
});

async function visitor(browser: Browser, origin: string, name: string): Promise<Person> {
  const person = await Person.open(browser, origin, name, {
    viewport: wide,
    deviceScaleFactor: 2,
    locale: 'en-GB',
  });
  await person.signUp();
  return person;
}
