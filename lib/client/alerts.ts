export interface AlertSettings {
  /** Whether this device tells of anything at all. */
  on: boolean;
  /** What a notification shows: who and what, who, or neither. */
  content: 'text' | 'name' | 'none';
  /** Sound and vibration. */
  sound: boolean;
  /** Minutes of the day between which all is silent. */
  quiet: { from: number; to: number } | null;
}

/** Of which messages of a conversation the account's owner is told, on all devices. */
export interface AlertRule {
  /** ms; 0: not muted. */
  mutedUntil: number;
  /** Groups: only of messages that name or answer the owner. */
  mentionsOnly: boolean;
  /** Stamp of the last change, on whichever device. */
  at: string;
}

/** What a person is to be told, as far as they allow it to be shown. */
export type Alert = MessageAlert | DeviceAlert;

/** About one conversation. */
export interface MessageAlert {
  conversationId: string;
  /** The person or the group; `null`: not to be shown. */
  title: string | null;
  /** Who wrote, in a group. */
  sender: string | null;
  /** What the newest message says; `null`: not to be shown. */
  text: string | null;
  /** A picture is the newest, with that text or none. */
  picture?: true;
  /** Unread messages of the conversation. */
  count: number;
  /** Number of the newest of them. */
  seq: number;
  /** Server time of it, ms. */
  at: number;
  /** Neither sound nor vibration. */
  silent: boolean;
}

/** About a device that was linked to the account or removed from it elsewhere. */
export interface DeviceAlert {
  deviceId: string;
  event: 'linked' | 'removed';
  /** `null`: not to be shown, or not known. */
  name: string | null;
  /** ms */
  at: number;
  silent: boolean;
}

/** Id of the conversation or the device that is told of. */
export const aboutOf = (alert: Alert): string => ('event' in alert ? alert.deviceId : alert.conversationId);

/** How this device tells its owner. */
export interface AlertPort {
  /** In place of an earlier one about the same. */
  show(alert: Alert): void | Promise<void>;
  close(about: string): void | Promise<void>;
  /** This device is nobody's any more: nothing of it is shown, and no push comes. */
  end(): void | Promise<void>;
  /** Whether any page is looked at now: who sees the message come needs no word of it. */
  lookedAt(): Promise<boolean>;
  /** By which this device's owner reads the clock. */
  timeZone: () => string;
}

export interface AlertWords {
  app: string;
  newMessages: (count: number) => string;
  said: (name: string, text: string) => string;
  /** @param text beside it; may be empty */
  picture: (text: string) => string;
  markRead: string;
  reply: string;
  writeHere: string;
  /** @param name `null`: not to be shown, or not known */
  deviceLinked: (name: string | null) => string;
  deviceRemoved: (name: string | null) => string;
  /** For a push that has nothing to tell. */
  upToDate: string;
  /** For a push of which nothing can be read now. */
  openToRead: string;
}

export const tagOf = (about: string): string => `about ${about}`;
/** Of what is shown when nothing can be told: there is one at most. */
export const neutralTag = 'aparte';

/** Not every browser has all of it, and not every library knows it. */
export interface AlertOptions extends NotificationOptions {
  renotify?: boolean;
  timestamp?: number;
  actions?: { action: string; title: string; type?: 'button' | 'text'; placeholder?: string }[];
}

const icons = { icon: '/icon-192.png', badge: '/badge-96.png' };

/** The words and settings of one notification. @param answers whether the browser lets one answer in it */
export function notificationOf(
  alert: Alert,
  words: AlertWords,
  answers: boolean,
): { title: string; options: AlertOptions } {
  const { at, silent } = alert;
  const common = { ...icons, tag: tagOf(aboutOf(alert)), renotify: !silent, silent, timestamp: at };
  if ('event' in alert) {
    const { deviceId, event, name } = alert;
    const body = event === 'linked' ? words.deviceLinked(name) : words.deviceRemoved(name);
    return { title: words.app, options: { ...common, body, data: { deviceId } } };
  }
  const { title, sender, count, conversationId, seq } = alert;
  const text = alert.text !== null && alert.picture ? words.picture(alert.text) : alert.text;
  const said = text ?? words.newMessages(count);
  const body = sender !== null && text !== null ? words.said(sender, text) : said;
  const heading = title ?? words.app;
  const reply = { action: 'reply', title: words.reply, type: 'text' as const, placeholder: words.writeHere };
  const actions = [{ action: 'read', title: words.markRead }];
  return {
    title: text !== null && count > 1 ? `${heading} (${count})` : heading,
    options: {
      ...common,
      body,
      data: { conversationId, seq },
      actions: answers && title !== null ? [reply, ...actions] : actions,
    },
  };
}

/** What is shown when a push came and nothing of it can be told. @param news whether there is something to read */
export function neutralNotification(
  words: Pick<AlertWords, 'app' | 'newMessages' | 'openToRead' | 'upToDate'>,
  { news, silent }: { news: boolean; silent: boolean },
): { title: string; options: AlertOptions } {
  return {
    title: news ? words.newMessages(1) : words.app,
    options: {
      ...icons,
      body: news ? words.openToRead : words.upToDate,
      tag: neutralTag,
      silent,
      renotify: !silent,
    },
  };
}

/** What the service worker tells the pages. */
export type PageMessage = { type: 'HURRY' } | { type: 'OPEN'; address: string };
