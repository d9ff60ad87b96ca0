import type { PushSubscriptionKeys } from '../protocol/push';
import { defaultAlertSettings } from './alert-rules';
import type { AlertSettings } from './alerts';

import { type Author, stampNow, wishTelling } from './intents';

/** What this device tells its owner of a conversation; the other devices of the account follow. */
export async function setAlertRule(
  author: Author,
  conversationId: string,
  change: { mutedUntil?: number; mentionsOnly?: boolean },
): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.conversations, db.meta, db.tellings, async () => {
    const conversation = await db.conversations.get(conversationId);
    if (!conversation) return;
    const before = conversation.alertRule ?? { mutedUntil: 0, mentionsOnly: false };
    const alertRule = { ...before, ...change, at: await stampNow(author) };
    await db.conversations.update(conversationId, { alertRule });
    await wishTelling(author, 'alerts', conversationId);
  });
}

/** How this device alone tells its owner. */
export async function setAlertSettings({ db }: Author, change: Partial<AlertSettings>): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const before = (await db.readMeta('alertSettings')) ?? defaultAlertSettings;
    await db.writeMeta('alertSettings', { ...before, ...change });
  });
}

/** Asks the engine to tell the server where this browser is woken; `null`: nowhere any more. */
export async function wishPush({ db }: Author, wanted: PushSubscriptionKeys | null): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const before = await db.readMeta('push');
    const same = JSON.stringify(before?.wanted ?? null) === JSON.stringify(wanted);
    if (!same) await db.writeMeta('push', { wanted, told: before === undefined && wanted === null });
  });
}

/** The language in which this device's notifications are written when no page is open. */
export async function setAlertLanguage({ db }: Author, language: 'en' | 'fr'): Promise<void> {
  if ((await db.readMeta('language')) !== language) await db.writeMeta('language', language);
}

/** The offer to be told of new messages was put off: it does not come again by itself. */
export async function putOffAlerts({ db }: Author): Promise<void> {
  await db.writeMeta('alertsPutOff', true);
}
