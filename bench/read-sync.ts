import { setTimeout } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import { enterLinkCode, linkCode, visitor, withBrowser } from './browsers';
import { type Bench, percentile, rounded } from './rows';

const rounds = 60;
/** What a person needs to see a badge and move to it, ms. */
const noticedAfterMs = 500;

/**
 * From the click that opens a conversation on one device to the moment at which the badge is gone from the screen of
 * the other: two browser profiles of one person, linked, on one server. Both pages read the same clock.
 */
export const readSync: Bench = (tell) =>
  withBrowser(tell, async (browser, origin) => {
    const [anna, bert] = [await visitor(browser, origin, 'Anna'), await visitor(browser, origin, 'Bert')];
    await anna.signUp();
    await bert.signUp();
    await bert.page.getByRole('link', { name: 'New conversation' }).first().click();
    await bert.find('anna');
    await bert.page.getByRole('button', { name: 'Write to @anna' }).click();
    await bert.write('Hello');
    await anna.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
    await anna.page.getByRole('button', { name: 'Accept' }).click();
    const phone = await visitor(browser, origin, 'Anna');
    await enterLinkCode(phone.page, anna.page, await linkCode(anna.page));
    await anna.page.getByRole('button', { name: 'Done' }).click();
    const times: number[] = [];
    /** Until the badge is gone on the very device that reads: the part that no network is in. */
    const own: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const [reader, other] = round % 2 === 0 ? [phone.page, anna.page] : [anna.page, phone.page];
      for (const page of [reader, other]) {
        await page.getByRole('link', { name: 'Settings' }).first().click();
        // Until then the conversation is open, and reads what comes.
        await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
      }
      await bert.write(`Message ${round}`);
      for (const page of [reader, other]) await badge(page).waitFor({ state: 'attached' });
      // Nobody clicks in the same instant; until then the devices tell each other that it has arrived.
      await setTimeout(noticedAfterMs);
      const [gone, goneHere] = [badgeGone(other), badgeGone(reader)];
      const clicked = clickedAt(reader);
      await reader.getByRole('link', { name: /Bert/ }).first().click();
      const at = await clicked;
      times.push((await gone) - at);
      own.push((await goneHere) - at);
      if (round % 10 === 9) tell(`round ${round + 1}: ${rounded(times.at(-1) ?? 0)} ms`);
    }
    const row = (name: string, of: number[], share: number, aim?: number) => ({
      name,
      value: rounded(
        percentile(
          [...of].sort((a, b) => a - b),
          share,
        ),
      ),
      unit: 'ms',
      better: 'lower' as const,
      ...(aim === undefined ? {} : { aim }),
    });
    return [
      row('p50_ms', times, 0.5),
      row('p95_ms', times, 0.95, 50),
      row('p99_ms', times, 0.99),
      row('own_p50_ms', own, 0.5),
    ];
  });

const badge = (page: Page) => page.getByText('1 unread message');

/** When the next click happens in a page, in ms since 1970. */
const clickedAt = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        addEventListener('click', () => resolve(performance.timeOrigin + performance.now()), {
          capture: true,
          once: true,
        });
      }),
  );

/** When the badge has left the document, in ms since 1970. */
const badgeGone = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const observer = new MutationObserver(() => {
          if (document.body.textContent?.includes('1 unread message')) return;
          observer.disconnect();
          resolve(performance.timeOrigin + performance.now());
        });
        observer.observe(document.body, { childList: true, subtree: true, characterData: true });
      }),
  );
