import { type Browser, type BrowserContext, expect, type Page } from '@playwright/test';

/** A conversation in the list: the head of an open one is a link with its name too. */
export const chat = (page: Page, name: string | RegExp) =>
  page.getByRole('navigation', { name: 'Chats' }).getByRole('link', { name }).first();

/** Somebody in a browser profile of their own. */
export class Person {
  /** What the browser complained of. */
  readonly problems: string[] = [];

  private constructor(
    readonly name: string,
    readonly handle: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async open(browser: Browser, origin: string, name: string, options = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: origin, ...options });
    const person = new Person(name, name.toLowerCase(), context, await context.newPage());
    person.#listen();
    await person.page.goto('/');
    return person;
  }

  /** Somebody in a profile that was opened elsewhere. */
  static of(context: BrowserContext, page: Page, name: string): Person {
    const person = new Person(name, name.toLowerCase(), context, page);
    person.#listen();
    return person;
  }

  #listen(): void {
    this.page.on('pageerror', (error) => this.problems.push(error.message));
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
  }

  async signUp(): Promise<void> {
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.getByRole('textbox', { name: 'Handle' }).fill(this.handle);
    await this.page.getByRole('button', { name: 'Create account' }).click();
    await expect(this.page.getByRole('link', { name: 'New conversation' }).first()).toBeVisible();
  }

  async find(handle: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Handle' }).fill(`@${handle}`);
    await this.page.getByRole('button', { name: 'Find', exact: true }).click();
    await expect(this.page.getByRole('region', { name: 'In the group' })).toContainText(
      new RegExp(handle, 'i'),
    );
  }

  async write(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** By what it says: the time after it begins with a digit, and "4" at 9:05 is no "49". */
  message(text: string) {
    return this.page.locator('[data-message]').filter({ has: this.page.locator('.body', { hasText: text }) });
  }

  async choose(text: string, action: string): Promise<void> {
    await this.message(text).click({ button: 'right' });
    await this.page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click();
  }
}
