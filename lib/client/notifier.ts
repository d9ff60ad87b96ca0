import { isAlerting, isSilent } from './alert-rules';
import { type Alert, aboutOf, type MessageAlert } from './alerts';
import type { AparteDb, ConversationRow, MessageRow } from './db';
import type { DeviceNews } from './meta';
import { alertSettings, isBlockedPerson } from './queries';
import { Runner } from './runner';
import { watch } from './watch';
import type { Work } from './work';

/** Of one conversation so many newest arrivals are looked at. */
const arrivalsPerConversation = 200;
const textMaxLength = 240;

/**
 * Tells the owner what has come while nobody looked, one notification per conversation or device, and takes it back when
 * the conversation was read, here or on another device, or the news of the device was seen.
 */
export class Notifier {
  #arrived = new Map<string, string[]>();
  readonly #runner: Runner;
  readonly #unwatch: () => void;

  constructor(private readonly work: Work) {
    const { environment } = work;
    this.#runner = new Runner(
      () => this.#clearSeen(),
      (error) => environment.log('alerts', error),
    );
    this.#unwatch = watch(
      environment,
      () => seenShown(work),
      (seen) => {
        if (seen.length > 0) this.#runner.kick();
      },
    );
  }

  async stop(): Promise<void> {
    this.#unwatch();
    await this.#runner.stop();
  }

  /** Messages were stored. They are told of at the next `tell`. */
  arrived(conversationId: string, messageIds: string[]): void {
    if (!this.work.environment.alerts) return;
    const ids = [...(this.#arrived.get(conversationId) ?? []), ...messageIds];
    this.#arrived.set(conversationId, ids.slice(-arrivalsPerConversation));
  }

  /** Tells of what has arrived, unless somebody is looking. */
  async tell(): Promise<void> {
    const { alerts, db } = this.work.environment;
    const arrived = this.#arrived;
    if (!alerts || arrived.size === 0) return;
    this.#arrived = new Map();
    if (!(await alertSettings(db)).on) return;
    if (await alerts.lookedAt()) return;
    for (const [conversationId, ids] of arrived) {
      const alert = await this.#alertOf(conversationId, ids);
      if (alert) await this.#show(alert, alert.seq);
    }
  }

  /** Tells of devices that came or went, unless somebody is looking: a page tells of them by itself. */
  async tellDevices(): Promise<void> {
    const { alerts, db, now } = this.work.environment;
    const news = await untold(db);
    if (!alerts || news.length === 0) return;
    const settings = await alertSettings(db);
    if (!settings.on || (await alerts.lookedAt())) return;
    const silent = isSilent(settings, now(), alerts.timeZone());
    for (const { event, deviceId, name, at } of news) {
      const shownName = settings.content === 'none' ? null : name || null;
      await this.#show({ event, deviceId, name: shownName, at, silent }, at);
    }
  }

  async #show(alert: Alert, upTo: number): Promise<void> {
    const { alerts, db } = this.work.environment;
    // Before it is shown: one that is noted and not there is closed in vain, one that is there and not noted stays.
    await db.transaction('rw', db.meta, async () => {
      const shown = (await db.readMeta('shownAlerts')) ?? {};
      await db.writeMeta('shownAlerts', { ...shown, [aboutOf(alert)]: upTo });
    });
    await alerts?.show(alert);
  }

  async #alertOf(conversationId: string, ids: string[]): Promise<MessageAlert | null> {
    const { alerts, db, now } = this.work.environment;
    const { me } = this.work;
    const conversation = await db.conversations.get(conversationId);
    if (!conversation || !alerts) return null;
    const settings = await alertSettings(db);
    const rows = (await db.messages.bulkGet(ids)).flatMap((row) => row ?? []);
    rows.sort((a, b) => b.order - a.order);
    for (const row of rows) {
      const repliedTo =
        row.replyTo === null ? null : ((await db.messages.get(row.replyTo))?.senderId ?? null);
      if (!isAlerting(row, conversation, me, repliedTo, now())) continue;
      // One need not be told of what they say there.
      if (conversation.kind === 'group' && (await isBlockedPerson(db, me.userId, row.senderId))) continue;
      const silent = isSilent(settings, now(), alerts.timeZone());
      return { ...(await this.#told(conversation, row, settings.content)), silent };
    }
    return null;
  }

  async #told(
    conversation: ConversationRow,
    row: MessageRow,
    content: 'text' | 'name' | 'none',
  ): Promise<Omit<MessageAlert, 'silent'>> {
    const { conversationId, kind, myState } = conversation;
    const person = await this.work.environment.db.people.get(row.senderId);
    const name = person?.name ?? (person ? `@${person.handle}` : null);
    const group = kind === 'group';
    // What a stranger writes is read once they were let in.
    const text = content === 'text' && myState === 'active';
    return {
      conversationId,
      title: content === 'none' ? null : group ? (conversation.title ?? name) : name,
      sender: group && text ? name : null,
      text: text ? row.body.slice(0, textMaxLength) : null,
      ...(row.picture ? { picture: true as const } : {}),
      count: Math.max(1, conversation.unread),
      seq: row.seq ?? 0,
      at: row.at,
    };
  }

  async #clearSeen(): Promise<void> {
    const { alerts, db } = this.work.environment;
    const seen = await seenShown(this.work);
    for (const about of seen) await alerts?.close(about);
    await db.transaction('rw', db.meta, async () => {
      const shown = { ...(await db.readMeta('shownAlerts')) };
      for (const about of seen) delete shown[about];
      await db.writeMeta('shownAlerts', shown);
    });
  }
}

/** The news of devices that nobody was told of; from now on they count as told. */
async function untold(db: AparteDb): Promise<DeviceNews[]> {
  return db.transaction('rw', db.meta, async () => {
    const news = (await db.readMeta('deviceNews')) ?? [];
    const fresh = news.filter((one) => !one.told);
    if (fresh.length > 0)
      await db.writeMeta(
        'deviceNews',
        news.map((one) => ({ ...one, told: true })),
      );
    return fresh;
  });
}

/** Conversations with a notification whose messages have been read, devices whose news was seen, and what is gone. */
async function seenShown({ environment: { db } }: Work): Promise<string[]> {
  const news = new Set((await db.readMeta('deviceNews'))?.map(({ deviceId }) => deviceId));
  const shown = Object.entries((await db.readMeta('shownAlerts')) ?? {}).filter(
    ([about]) => !news.has(about),
  );
  const rows = await db.conversations.bulkGet(shown.map(([about]) => about));
  return shown
    .filter(([, seq], index) => (rows[index]?.readSeq ?? Number.POSITIVE_INFINITY) >= seq)
    .map(([about]) => about);
}
