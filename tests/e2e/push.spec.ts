import { type BrowserContext, expect, type Page, type Worker } from '@playwright/test';
import { chat, Person } from './person';
import { BuiltServer } from './server';
import { test } from './test';

let server: BuiltServer;
let anna: Person;
let bert: Person;

test.beforeEach(async ({ browser }) => {
  server = await BuiltServer.start();
  anna = await Person.open(browser, server.origin, 'Anna', { permissions: ['notifications'] });
  bert = await Person.open(browser, server.origin, 'Bert');
  await anna.signUp();
  await bert.signUp();
  await anna.page.goto('/new');
  await anna.find('bert');
  await anna.page.getByRole('button', { name: 'Write to @bert' }).click();
  await anna.write('Are you there?');
  await bert.page.getByRole('region', { name: 'Requests' }).getByRole('link').click();
  await bert.page.getByRole('button', { name: 'Accept' }).click();
  await anna.page.goto('/settings');
  await anna.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await anna.page.getByRole('switch', { name: 'Tell me of new messages' }).click();
  await expect(anna.page.getByRole('switch', { name: 'Sound and vibration' })).toBeVisible();
});
test.afterEach(() => server.remove());

interface Shown {
  title: string;
  body: string;
  tag: string;
  silent: boolean | null;
  actions: string[];
}

/** What the browser shows of this profile, oldest first. Asked in the service worker, which runs when it was woken. */
async function notifications(context: BrowserContext): Promise<Shown[]> {
  return (await worker(context)).evaluate(async () => {
    const scope = self as unknown as ServiceWorkerGlobalScope;
    const shown = await scope.registration.getNotifications();
    return shown.map((one) => ({
      title: one.title,
      body: one.body,
      tag: one.tag,
      silent: one.silent,
      actions: ((one as { actions?: { action: string }[] }).actions ?? []).map(({ action }) => action),
    }));
  });
}

async function worker(context: BrowserContext): Promise<Worker> {
  const running = context.serviceWorkers().at(-1);
  return running ?? context.waitForEvent('serviceworker');
}

/** The browser's own way to hand a push to a service worker, without a push service. */
async function deliverPush(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const registration = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const found = registrations.find((one) => one.scopeURL.startsWith(server.origin) && !one.isDeleted);
      if (found) resolve(found.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.deliverPushMessage', {
    origin: server.origin,
    registrationId: await registration,
    data: '{"v":1}',
  });
}

/** A page that is none of the app's, so that the app counts as closed. */
async function closeApp(person: Person): Promise<Page> {
  const outside = await person.context.newPage();
  await person.page.close();
  return outside;
}

test('with the app closed, a push is fetched, decrypted and shown; its buttons do what they say', async () => {
  const outside = await closeApp(anna);
  await bert.write('Yes, here');
  await expect(bert.message('Yes, here').getByRole('img', { name: 'Sent', exact: true })).toBeVisible();
  await deliverPush(outside);
  await expect
    .poll(() => notifications(anna.context))
    .toEqual([
      {
        title: 'Bert',
        body: 'Yes, here',
        tag: expect.stringMatching(/^about /),
        silent: false,
        actions: expect.arrayContaining(['read']),
      },
    ]);
  // The sender sees that it has arrived, though nobody has opened the app.
  await expect(bert.message('Yes, here').getByRole('img', { name: 'Delivered' })).toBeVisible();

  await bert.write('And you?');
  await expect(bert.message('And you?').getByRole('img', { name: /Sent/ })).toBeVisible();
  await deliverPush(outside);
  await expect
    .poll(async () => (await notifications(anna.context)).map(({ title, body }) => `${title}: ${body}`))
    .toEqual(['Bert (2): And you?']);

  // A click cannot be made from outside the browser; the event is the browser's, its handler the real one.
  const badges = await (await worker(anna.context)).evaluate(async () => {
    const scope = self as unknown as ServiceWorkerGlobalScope;
    // The number on an icon cannot be read back.
    const badges: unknown[] = [];
    const { setAppBadge } = navigator;
    navigator.setAppBadge = (count) => {
      badges.push(count);
      return setAppBadge.call(navigator, count);
    };
    const [notification] = await scope.registration.getNotifications();
    if (!notification) throw new Error('nothing is shown');
    const event = new NotificationEvent('notificationclick', { notification, action: 'read' });
    const work: Promise<unknown>[] = [];
    Object.defineProperty(event, 'waitUntil', { value: (task: Promise<unknown>) => work.push(task) });
    // The run that showed the notification may not be over when somebody clicks.
    let end = () => undefined as unknown;
    await new Promise<void>((begun) => {
      void navigator.locks.request('aparte-engine', () => {
        begun();
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      });
    });
    // It ends once the click has asked for the lock, and not before.
    const { request } = navigator.locks;
    const asked = new Promise<void>((resolve) => {
      navigator.locks.request = (...given: unknown[]) => {
        const granted = Reflect.apply(request, navigator.locks, given);
        resolve();
        return granted;
      };
    });
    scope.dispatchEvent(event);
    await asked;
    Reflect.deleteProperty(navigator.locks, 'request');
    end();
    await Promise.all(work);
    return badges;
  });
  expect(badges.at(-1)).toBe(0);
  await expect(bert.message('And you?').getByRole('img', { name: 'Read' })).toBeVisible();
  await expect.poll(() => notifications(anna.context)).toEqual([]);
});

test('a push that cannot be read, for want of a network, is shown all the same, without a word of content', async () => {
  await anna.page.getByRole('switch', { name: 'Sound and vibration' }).click();
  await expect(anna.page.getByRole('switch', { name: 'Sound and vibration' })).not.toBeChecked();
  const outside = await closeApp(anna);
  await server.stop('SIGKILL');
  await deliverPush(outside);
  await expect
    .poll(async () => (await notifications(anna.context)).map(({ title, body }) => `${title}: ${body}`))
    .toEqual(['New message: Open Aparté to read it.']);
  // Its reader wants no sound, and that can be read.
  expect((await notifications(anna.context)).map(({ silent }) => silent)).toEqual([true]);
});

test('with several tabs hidden one notification comes, and it goes when the conversation is read', async () => {
  const hide = () => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  };
  const second = await anna.context.newPage();
  await second.goto('/');
  await expect(chat(second, /bert/i)).toBeVisible();
  await anna.page.evaluate(hide);
  await second.evaluate(hide);
  await bert.write('One');
  await expect.poll(async () => (await notifications(anna.context)).map(({ body }) => body)).toEqual(['One']);
  await bert.write('Two');
  await expect.poll(async () => (await notifications(anna.context)).map(({ body }) => body)).toEqual(['Two']);
  await expect(second).toHaveTitle('(2) Aparté');
  await second.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await chat(second, /bert/i).click();
  await expect(bert.message('Two').getByRole('img', { name: 'Read' })).toBeVisible();
  await expect.poll(() => notifications(anna.context)).toEqual([]);
  await expect(second).toHaveTitle('Aparté');
});

test('a conversation that is muted says so in the list, and can be heard again', async () => {
  const { page } = bert;
  await page.getByRole('link', { name: 'Details' }).click();
  await page.getByRole('combobox').selectOption('always');
  const row = chat(page, /anna/i);
  await expect(row.getByRole('img', { name: 'muted' })).toBeVisible();
  await expect(page.getByRole('combobox')).toHaveValue('now');
  await page.getByRole('combobox').selectOption('no');
  await expect(row.getByRole('img', { name: 'muted' })).toHaveCount(0);
});

test('who has written is asked once whether to be told of the answer', async () => {
  const offer = bert.page.getByRole('region', { name: 'Notifications' });
  await expect(offer).toHaveCount(0);
  await bert.write('Hello');
  await expect(offer).toContainText('Would you like to be told');
  await offer.getByRole('button', { name: 'Not now' }).click();
  await expect(offer).toHaveCount(0);
});
