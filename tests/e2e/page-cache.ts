import { expect, type Page } from '@playwright/test';
import { build } from 'esbuild';
import type {} from './page-cache.entry';

/** Gives a page's console the app's database as `window.cache`, for what a person cannot do on a screen. */
export async function openCache(page: Page): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: ['tests/e2e/page-cache.entry.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  });
  await page.evaluate(outputFiles[0]?.text ?? '');
}

/** Waits until all messages written in a page are encrypted. A mark is only once there is a connection. */
export async function messagesSealed(page: Page): Promise<void> {
  await openCache(page);
  const unsealed = () =>
    window.cache.outbox.filter(({ intent, sealed }) => intent.kind === 'message' && !sealed).count();
  await expect.poll(() => page.evaluate(unsealed)).toBe(0);
}
