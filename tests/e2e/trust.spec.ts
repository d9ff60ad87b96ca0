import { expect } from '@playwright/test';
import { KeyDirectory } from '../../lib/crypto/key-directory.testing';
import type { UserKeys } from '../../lib/protocol/keys';
import { talk } from './journeys';
import { compareDigits, offer, typeCode } from './linking-steps';
import { openCache } from './page-cache';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

test('a verified contact under another identity is told of, and nothing is sent until that is put right', async ({
  browser,
}) => {
  const anna = await Person.open(browser, server.origin, 'Anna');
  const bert = await Person.open(browser, server.origin, 'Bert');
  await talk(anna, bert);
  await anna.page.getByRole('link', { name: 'Details' }).click();
  await anna.page.getByRole('button', { name: 'Compare the safety number' }).click();
  await anna.page.getByRole('button', { name: 'It is the same: mark as verified' }).click();
  await expect(anna.page.getByText('You have verified Bert.')).toBeVisible();
  await anna.page.getByRole('button', { name: 'Close' }).click();
  await anna.page.getByRole('link', { name: 'Back' }).first().click();
  await expect(anna.page.getByRole('img', { name: 'Verified' })).toBeVisible();

  // From now on the server tells Anna, and nobody else, keys for Bert that an attacker has made.
  const [cookie] = await anna.context.cookies();
  await openCache(bert.page);
  const bertsId = await bert.page.evaluate(async () => {
    const session = await window.cache.readMeta('session');
    return session?.state === 'signed_in' ? session.userId : '';
  });
  const directory = new KeyDirectory();
  const { keys } = directory.entry((await directory.join(bertsId)).deviceId);
  const forged = { masterKey: keys.masterKey, selfSigningKey: keys.selfSigningKey };
  server.tap.change = ({ path, cookie: from }, text) => {
    if (!path.includes('devices.keys') || !cookie || !from.includes(cookie.value)) return text;
    const answers: { result?: { data: unknown } }[] = JSON.parse(text);
    for (const { result } of answers)
      if (Array.isArray(result?.data))
        result.data = result.data.map((user: UserKeys) =>
          user.userId === bertsId ? { ...user, ...forged } : user,
        );
    return JSON.stringify(answers);
  };
  const link = async () => {
    const device = await Person.open(browser, server.origin, 'Bert');
    await typeCode(device.page, await offer(bert.page));
    await compareDigits(device.page, bert.page);
    await bert.page.getByRole('button', { name: 'Done' }).click();
  };
  await link();
  const warning = anna.page.getByRole('region', { name: 'Safety number changed' });
  await anna.write('A secret');
  await expect(warning).toBeVisible();
  await expect(warning.getByRole('button')).toHaveCount(1);
  await expect(anna.message('A secret').getByRole('img', { name: 'Waiting to be sent' })).toBeVisible();
  await warning.getByRole('button').click();
  await expect(anna.page.getByRole('dialog').getByRole('alert')).toBeVisible();
  await anna.page.getByRole('button', { name: 'Close' }).click();
  await expect(anna.page.getByRole('img', { name: 'Verified' })).toHaveCount(0);

  server.tap.change = (_, text) => text;
  await link();
  await expect(warning).toHaveCount(0);
  await expect(anna.page.getByRole('img', { name: 'Verified' })).toBeVisible();
  await expect(anna.message('A secret').getByRole('img', { name: /Sent|Delivered|Read/ })).toBeVisible();
});

test('who was blocked stands in the settings, and can be let in again', async ({ browser }) => {
  const carl = await Person.open(browser, server.origin, 'Carl');
  const dora = await Person.open(browser, server.origin, 'Dora');
  await carl.signUp();
  await dora.signUp();
  await carl.page.goto('/new');
  await carl.find('dora');
  await carl.page.getByRole('button', { name: 'Write to @dora' }).click();
  await carl.write('Hello');
  await dora.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await dora.page.getByRole('button', { name: 'Block' }).click();
  await dora.page.getByRole('link', { name: 'Settings' }).first().click();
  await dora.page.getByRole('button', { name: 'Unblock Carl' }).click();
  await expect(dora.page.getByText('You have blocked nobody.')).toBeVisible();
  await chat(dora.page, /Carl/).click();
  await dora.write('Back again');
  await expect(carl.message('Back again')).toBeVisible();
});
