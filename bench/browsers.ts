import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import config from '../playwright.config';
import { noRates } from '../server/limiter';
import { startServer } from '../server/start';
import { Person } from '../tests/e2e/person';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Builds the site if there is none. */
export function build(tell: (line: string) => void): void {
  if (existsSync(join(root, 'out/index.html'))) return;
  tell('building …');
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: ['ignore', 2, 2] });
}

/** A server with the embedded database, and Chromium to visit it. */
export async function withBrowser<T>(
  tell: (line: string) => void,
  measure: (browser: Browser, origin: string) => Promise<T>,
): Promise<T> {
  build(tell);
  const dataDir = await mkdtemp(join(tmpdir(), 'aparte-bench-'));
  const server = await startServer({
    port: 0,
    dataDir,
    logLevel: 'error',
    rates: noRates,
    siteFolder: join(root, 'out'),
  });
  const browser = await chromium.launch(config.use?.launchOptions ?? {});
  try {
    return await measure(browser, server.origin);
  } finally {
    await browser.close();
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Shows a code on the old device. */
export async function linkCode(old: Page): Promise<string> {
  await old.getByRole('link', { name: 'Settings' }).first().click();
  await old.getByRole('button', { name: 'Link a device' }).click();
  const code = old.locator('.link-code');
  await code.waitFor();
  return (await code.textContent()) ?? '';
}

/** Types the code on the new device and the digits on the old one. @returns when the code was handed over, ms */
export async function enterLinkCode(fresh: Page, old: Page, code: string): Promise<number> {
  await fresh.getByRole('button', { name: 'I already have an account' }).click();
  await fresh.getByLabel('Or type the code').fill(code);
  const at = performance.now();
  await fresh.getByRole('button', { name: 'Continue' }).click();
  const digits = (await fresh.locator('output.digits').textContent()) ?? '';
  await old.getByLabel('The two digits').fill(digits);
  await old.getByRole('button', { name: 'Link', exact: true }).click();
  return at;
}

export const visitor = (browser: Browser, origin: string, name: string) =>
  Person.open(browser, origin, name, { viewport: { width: 1280, height: 800 } });
