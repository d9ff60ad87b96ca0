import { expect } from '@playwright/test';
import type { MessageRow } from '../../lib/client/db';
import { accessible } from './accessible';
import { precached } from './journeys';
import { openCache } from './page-cache';
import { Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

test('everything said is found as one types, without a network, and a find leads to its place', async ({
  browser,
}) => {
  const view = { viewport: { width: 1280, height: 800 } };
  const anna = await Person.open(browser, server.origin, 'Anna', view);
  await anna.signUp();
  const zoe = await Person.open(browser, server.origin, 'Zoé', view);
  await zoe.page.getByLabel('Your name').fill('Zoé');
  await zoe.page.getByRole('textbox', { name: 'Handle' }).fill('zoe');
  await zoe.page.getByRole('button', { name: 'Create account' }).click();
  await zoe.page.getByRole('link', { name: 'New conversation' }).first().click();
  await zoe.find('anna');
  await zoe.page.getByRole('button', { name: 'Write to @anna' }).click();
  await zoe.write('The key lies under the flower pot');
  await anna.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await anna.page.getByRole('button', { name: 'Accept' }).click();
  await anna.write('Merci, à bientôt sur l’Élysée!');
  await expect(zoe.message('Élysée')).toBeVisible();

  // From here on the service worker answers, also for the worker that searches.
  expect(await precached(anna.page)).toBe(true);
  await anna.page.reload();
  // A long conversation: rows as the engine writes them, in the middle of which something is lost.
  await openCache(anna.page);
  await anna.page.evaluate(async () => {
    const { cache } = window;
    const like = await cache.messages.filter((row) => row.body.includes('flower pot')).first();
    if (!like) throw new Error('nothing to go by');
    const rows: MessageRow[] = Array.from({ length: 2_000 }, (_, index) => ({
      ...like,
      id: `m${index}`,
      order: 10 + index,
      seq: 10 + index,
      at: like.at + 60_000 + index * 1000,
      body: index === 700 ? 'Here the needle lies in the hay' : `Talk number ${index}, of nothing much`,
    }));
    await cache.messages.bulkPut(rows);
  });

  await anna.context.setOffline(true);
  await server.stop();
  const box = anna.page.getByRole('searchbox', { name: 'Search people and messages' });
  await box.click();
  await box.pressSequentially('elys');
  const messages = anna.page.getByRole('region', { name: 'Messages' });
  await expect(messages.getByRole('link')).toHaveCount(1);
  await expect(messages.locator('mark')).toHaveText('Élys');
  await accessible(anna.page);
  await box.fill('zoe');
  await expect(anna.page.getByRole('region', { name: 'Conversations' }).getByRole('link')).toHaveCount(1);
  await box.fill('hay needle');
  await expect(messages.getByRole('link')).toHaveCount(1);
  await messages.getByRole('link').click();
  await expect(anna.message('Here the needle lies')).toBeInViewport();
  await expect(anna.message('Talk number 699,')).toBeVisible();
  await expect(anna.message('Talk number 701,')).toBeVisible();
  expect(anna.page.url()).not.toContain('/m700');

  // What is written appears, wherever one has been reading.
  await anna.write('Found it');
  await expect(anna.message('Found it')).toBeInViewport();

  // Within the conversation.
  await anna.page.getByRole('button', { name: 'Search in this conversation' }).click();
  const within = anna.page.getByRole('searchbox', { name: 'Search in this conversation' });
  await within.pressSequentially('found');
  await accessible(anna.page);
  await expect(anna.page.getByRole('search').getByRole('link')).toHaveCount(1);
  // Both fields search, and both hear of what is new.
  await anna.write('Found another needle in the hay');
  await expect(anna.page.getByRole('search').getByRole('link')).toHaveCount(2);
  await expect(messages.getByRole('link')).toHaveCount(2);
  await within.fill('flower');
  await anna.page.getByRole('search').getByRole('link').filter({ hasText: 'flower' }).click();
  await expect(anna.message('The key lies under')).toBeInViewport();
  await within.fill('xylophone');
  await expect(anna.page.getByText('Nothing found for “xylophone”').last()).toBeVisible();
  await within.press('Escape');
  await expect(anna.page.getByRole('button', { name: 'Search in this conversation' })).toBeFocused();

  // Forty messages further up, and the same downwards, until the newest.
  await box.fill('');
  await anna.page.getByRole('button', { name: 'Go to the newest message' }).click();
  await expect(anna.message('Found another')).toBeInViewport();
  await anna.context.setOffline(false);
  await server.run();
});
