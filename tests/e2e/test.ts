import { test as base } from '@playwright/test';

/** The library's own, and closes after each test what it has opened: a page left open goes on asking for its server. */
export const test = base.extend<{ closing: undefined }>({
  closing: [
    async ({ browser }, use) => {
      await use(undefined);
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    { auto: true },
  ],
});
