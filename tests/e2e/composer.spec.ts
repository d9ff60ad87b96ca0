import { type Browser, expect } from '@playwright/test';
import { openCache } from './page-cache';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;

test.beforeAll(async () => {
  server = await BuiltServer.start();
});
test.afterAll(() => server.remove());

const box = ({ page }: Person) => page.getByRole('textbox', { name: 'Message', exact: true });

async function meet(browser: Browser, name: string, others: string[], options = {}): Promise<Person> {
  const wide = { viewport: { width: 1280, height: 800 } };
  const person = await Person.open(browser, server.origin, name, { ...wide, ...options });
  await person.signUp();
  for (const other of others) {
    await (await Person.open(browser, server.origin, other)).signUp();
    await person.page.goto('/new');
    await person.find(other.toLowerCase());
    await person.page.getByRole('button', { name: `Write to @${other.toLowerCase()}` }).click();
    await box(person).fill(`hello ${other}`);
    await person.page.getByRole('button', { name: 'Send', exact: true }).click();
    await expect(
      person.message(`hello ${other}`).getByRole('img', { name: 'Sent', exact: true }),
    ).toBeVisible();
  }
  return person;
}

async function open(person: Person, name: string): Promise<void> {
  await chat(person.page, name).click();
  await expect(person.page.getByRole('heading', { name, exact: true })).toBeVisible();
}

test('what is drafted for one person never stands in the conversation with another', async ({ browser }) => {
  const nina = await meet(browser, 'Nina', ['Otto', 'Pia']);
  await open(nina, '@otto');
  await box(nina).fill('for the eyes of Otto');
  await open(nina, '@pia');
  await expect(nina.message('hello Pia')).toBeVisible();
  await expect(box(nina)).toHaveValue('');
  await box(nina).fill('for the eyes of Pia');
  await open(nina, '@otto');
  await expect(box(nina)).toHaveValue('for the eyes of Otto');
  await nina.page.reload();
  await expect(box(nina)).toHaveValue('for the eyes of Otto');
  await open(nina, '@pia');
  await expect(box(nina)).toHaveValue('for the eyes of Pia');
});

test('mending an old message leaves the draft of a new one alone, and the menu gives focus back', async ({
  browser,
}) => {
  const rosa = await meet(browser, 'Rosa', ['Sam']);
  await box(rosa).fill('an unfinished thought');
  await rosa.choose('hello Sam', 'Edit');
  await expect(box(rosa)).toHaveValue('hello Sam');
  await box(rosa).fill('hello again, Sam');
  await rosa.page.keyboard.press('Enter');
  await expect(rosa.message('hello again, Sam')).toContainText('edited');
  await expect(box(rosa)).toHaveValue('an unfinished thought');

  const options = rosa.message('hello again, Sam').getByRole('button', { name: 'Message options' });
  await rosa.choose('hello again, Sam', 'React with ❤️');
  await expect(options).toBeFocused();
  await options.click();
  await expect(rosa.page.getByRole('dialog')).toBeVisible();
  await options.click();
  await expect(rosa.page.getByRole('dialog')).toHaveCount(0);
});

test('a change of an old message that was begun is there as a draft when its conversation is opened again', async ({
  browser,
}) => {
  const yann = await meet(browser, 'Yann', ['Zoe', 'Ada']);
  await open(yann, '@zoe');
  await yann.choose('hello Zoe', 'Edit');
  await box(yann).fill('hello dear Zoe');
  await open(yann, '@ada');
  await expect(box(yann)).toHaveValue('');
  await open(yann, '@zoe');
  await expect(box(yann)).toHaveValue('hello dear Zoe');
  await expect(yann.message('hello Zoe')).toBeVisible();
});

test('a message that was refused and is taken back stands in the composer again', async ({ browser }) => {
  const tess = await meet(browser, 'Tess', ['Uli']);
  await openCache(tess.page);
  await tess.page.evaluate(async (text) => {
    const { messages } = window.cache;
    const row = await messages.filter(({ body }) => body === text).first();
    if (row) await messages.update(row.id, { status: 'failed', failure: 'too_large', seq: null });
  }, 'hello Uli');
  await tess.page.reload();
  await tess.message('hello Uli').getByRole('button', { name: 'Take back' }).click();
  await expect(tess.message('hello Uli')).toHaveCount(0);
  await expect(box(tess)).toHaveValue('hello Uli');
});

test('a finger that rests on a message opens its menu, and one that moves does not', async ({ browser }) => {
  const vera = await meet(browser, 'Vera', ['Will'], { hasTouch: true, isMobile: true });
  const bubble = await vera.message('hello Will').locator('.bubble').boundingBox();
  if (!bubble) throw new Error('the message is not in view');
  const [x, y] = [bubble.x + 20, bubble.y + 15];
  await vera.page.clock.install();
  const hand = await vera.context.newCDPSession(vera.page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number; y: number }[]) =>
    hand.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', [{ x, y }]);
  await touch('touchMove', [{ x, y: y + 40 }]);
  await vera.page.clock.runFor(800);
  await touch('touchEnd', []);
  await expect(vera.page.getByRole('dialog')).toHaveCount(0);
  await touch('touchStart', [{ x, y }]);
  await expect(vera.page.getByRole('dialog')).toBeVisible();
  await touch('touchEnd', []);
  await vera.page.clock.runFor(400);
  await expect(vera.page.getByRole('dialog')).toBeVisible();
  await vera.page.getByRole('dialog').getByRole('button', { name: 'Reply' }).click();
  await expect(box(vera)).toBeFocused();
});

test('a window that grows shows the messages that it has room for', async ({ browser }) => {
  const wilma = await meet(browser, 'Wilma', ['Walt']);
  const { page } = wilma;
  for (let count = 1; count <= 60; count++) await wilma.write(`Word ${count}.`);
  await page.setViewportSize({ width: 900, height: 600 });
  await page.reload();
  await expect(wilma.message('Word 60.')).toBeVisible();
  await expect(wilma.message('Word 15.')).toHaveCount(0);
  await page.setViewportSize({ width: 900, height: 3_600 });
  await expect(wilma.message('Word 15.')).toBeVisible();
});
