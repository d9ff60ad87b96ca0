import { expect } from '@playwright/test';
import { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;

test.beforeAll(async () => {
  server = await BuiltServer.start('fresh');
});
test.afterAll(() => server.remove());

const said = [
  'The curtain rises at eight precisely',
  'Then I shall whisper from the wings',
  'The curtain rises at nine instead',
  'A line that must vanish from the play',
  'Before the understudy came along',
  'Only now the understudy may listen',
  'Troupe of the hidden stage',
];

test('two people meet by handle, write both ways, edit, react and delete; a third reads only what comes after', async ({
  browser,
}) => {
  const alice = await Person.open(browser, server.origin, 'Alice');
  const bob = await Person.open(browser, server.origin, 'Bob');
  await alice.signUp();
  await bob.signUp();

  await alice.page.getByRole('link', { name: 'New conversation' }).first().click();
  await alice.find('bob');
  await alice.page.getByRole('button', { name: 'Write to @bob' }).click();
  await alice.write(said[0] ?? '');
  await expect(alice.message(said[0] ?? '').getByRole('img', { name: 'Sent', exact: true })).toBeVisible();

  await bob.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await expect(bob.message(said[0] ?? '')).toBeVisible();
  await bob.page.getByRole('button', { name: 'Accept' }).click();
  await bob.write(said[1] ?? '');
  await expect(alice.message(said[1] ?? '')).toBeVisible();
  await expect(alice.message(said[0] ?? '').getByRole('img', { name: 'Read' })).toBeVisible();

  await alice.choose(said[0] ?? '', 'Edit');
  await alice.write(said[2] ?? '');
  await expect(bob.message(said[2] ?? '')).toContainText('edited');
  await bob.choose(said[2] ?? '', 'React with ❤️');
  await expect(alice.message(said[2] ?? '').getByRole('button', { name: '❤️, 1' })).toBeVisible();
  await alice.write(said[3] ?? '');
  await expect(bob.message(said[3] ?? '')).toBeVisible();
  await alice.choose(said[3] ?? '', 'Delete for everyone');
  await expect(bob.message(said[3] ?? '')).toHaveCount(0);
  await expect(bob.page.getByText('This message was deleted.')).toBeVisible();

  for (const person of [alice, bob]) {
    await person.page.reload();
    await expect(person.message(said[1] ?? '')).toBeVisible();
    await expect(person.message(said[2] ?? '').getByRole('button', { name: '❤️, 1' })).toBeVisible();
    await expect(person.page.getByText('This message was deleted.')).toBeVisible();
  }

  // A group, and one who comes late.
  const carol = await Person.open(browser, server.origin, 'Carol');
  await carol.signUp();
  await alice.page.goto('/new');
  await alice.find('bob');
  await alice.page.getByLabel('Name of the group').fill(said[6] ?? '');
  await alice.page.getByRole('button', { name: 'Create group' }).click();
  await alice.write(said[4] ?? '');
  await bob.page.goto('/');
  await bob.page.getByRole('link', { name: said[6] ?? '' }).click();
  await expect(bob.message(said[4] ?? '')).toBeVisible();

  await alice.page.getByRole('link', { name: 'Details' }).click();
  await alice.page.getByRole('textbox', { name: 'Add by handle' }).fill('carol');
  await alice.page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(alice.page.getByRole('region', { name: 'Members' })).toContainText('@carol');
  await alice.page.getByRole('main').getByRole('link', { name: 'Back' }).click();
  await alice.write(said[5] ?? '');
  await expect(bob.message(said[5] ?? '')).toBeVisible();
  await carol.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await expect(carol.message(said[5] ?? '')).toBeVisible();
  await expect(carol.page.getByRole('heading', { name: said[6] ?? '' })).toBeVisible();
  await carol.page.getByRole('button', { name: 'Accept' }).click();
  await carol.page.reload();
  await expect(carol.message(said[5] ?? '')).toBeVisible();
  await expect(carol.message(said[4] ?? '')).toHaveCount(0);

  for (const person of [alice, bob, carol]) {
    expect(person.problems, person.name).toEqual([]);
  }
  const { heard, frames } = server.tap;
  expect(frames.some((text) => text.startsWith('{"t":"send"'))).toBe(true);
  expect(heard.some((text) => text.includes('accounts.signUp'))).toBe(true);
  await server.stop();
  const stored = await server.storedBytes();
  const dump = await server.dump();
  expect(dump).toContain('carol');
  expect(dump).toContain('m.megolm.v1.aes-sha2');
  for (const sentence of said) {
    expect(heard.filter((text) => text.includes(sentence))).toEqual([]);
    expect(frames.filter((text) => text.includes(sentence))).toEqual([]);
    expect(stored.includes(sentence), sentence).toBe(false);
    expect(dump.includes(sentence), sentence).toBe(false);
    expect(server.log.includes(sentence), sentence).toBe(false);
  }
});
