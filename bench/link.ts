import 'fake-indexeddb/auto';
import type { Page } from '@playwright/test';
import { sendText, startGroup } from '../lib/client/intents';
import { TestDevice } from '../tests/device';
import { dice } from '../tests/dice';
import { openCache } from '../tests/e2e/page-cache';
import { enterLinkCode, linkCode, visitor, withBrowser } from './browsers';
import { type Bench, rounded } from './rows';

const groups = 10;
const messages = 10_000;

/**
 * A device is linked to an account with a history: from the moment at which it has the code to a list that can be
 * read, with the last message of each conversation, and to the last message of the history.
 */
export const link: Bench = (tell) =>
  withBrowser(tell, async (browser, origin) => {
    const anna = await visitor(browser, origin, 'Anna');
    await anna.signUp();
    const bert = new TestDevice(() => origin, dice(1));
    bert.start();
    await bert.signUp('bert');
    await converse(bert, anna.page, tell);
    const phone = await visitor(browser, origin, 'Anna');
    const start = await enterLinkCode(phone.page, anna.page, await linkCode(anna.page));
    await phone.page.getByRole('link', { name: new RegExp(`message ${messages - 1}\\b`) }).waitFor();
    await phone.page
      .getByRole('link', { name: /Group .*message \d+/ })
      .nth(groups - 1)
      .waitFor();
    const usableS = (performance.now() - start) / 1000;
    tell(`usable after ${rounded(usableS)} s`);
    while ((await readable(phone.page)) < messages)
      await new Promise<void>((resolve) => setTimeout(resolve, 100));
    const completeS = (performance.now() - start) / 1000;
    await bert.close();
    return [
      { name: 'usable_s', value: rounded(usableS, 2), unit: 's', aim: 3, better: 'lower' },
      { name: 'complete_s', value: rounded(completeS, 2), unit: 's', aim: 15, better: 'lower' },
    ];
  });

/** Bert writes to groups that Anna is in, and her browser reads it all. */
async function converse(bert: TestDevice, page: Page, tell: (line: string) => void) {
  await openCache(page);
  const { userId } = await page.evaluate(async () => {
    const session = await window.cache.readMeta('session');
    if (session?.state !== 'signed_in') throw new Error('not signed in');
    return session;
  });
  const ids: string[] = [];
  for (let index = 0; index < groups; index++)
    ids.push(await startGroup(bert.author, `Group ${index}`, [{ userId, handle: 'anna' }]));
  for (let index = 0; index < messages; index++) {
    await sendText(bert.author, ids[index % groups] ?? '', `message ${index}`);
    if (index % 500 !== 499) continue;
    await bert.until(async () => ((await bert.db.outbox.count()) < 100 ? true : undefined), 'sending');
    tell(`${index + 1} messages written`);
  }
  while ((await readable(page)) < messages) await new Promise<void>((resolve) => setTimeout(resolve, 200));
  // Its keys are in the backup a moment later.
  await page.waitForTimeout(5_000);
}

/** How many messages a page's device can read. */
const readable = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const opened = indexedDB.open('aparte');
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      opened.onsuccess = () => resolve(opened.result);
      opened.onerror = () => reject(opened.error);
    });
    const store = db.transaction(['messages', 'sealed']);
    let total = 0;
    for (const [name, sign] of [
      ['messages', 1],
      ['sealed', -1],
    ] as const) {
      const asked = store.objectStore(name).count();
      await new Promise((resolve) => {
        asked.onsuccess = resolve;
      });
      total += sign * asked.result;
    }
    db.close();
    return total;
  });
