import type { ActivityKind, PresenceState, ServerFrame } from '../lib/protocol/frames';
import type { EarlyEnvelope, IncomingEnvelope, Mark, Message } from '../lib/protocol/messages';
import type { Broker, Delivery } from './broker';

/** A commit's news: the frame for everyone, and the envelopes that precede it for some. */
export interface Committed {
  userIds: string[];
  frame: { t: 'message'; message: Message } | { t: 'mark'; mark: Mark };
  envelopes: { recipientDeviceId: string; envelope: IncomingEnvelope }[];
  /** When its sender's frame came and when the commit was durable, in ms. */
  times: { receivedAt: number; committedAt: number };
}

/**
 * What is told to devices after a change is committed, but for `readSync`. Never throws, and may be lost: the cursors
 * make it good.
 */
export interface Notices {
  rosterChanged(notice: { conversationId: string; rosterVersion: number; userIds: string[] }): void;
  committed(news: Committed): void;
  activity(notice: {
    conversationId: string;
    userId: string;
    activity: ActivityKind;
    toUserIds: string[];
  }): void;
  presence(notice: {
    userId: string;
    state: PresenceState;
    broadcast: boolean;
    at: number;
    toUserIds: string[];
    exceptDeviceId: string;
  }): void;
  keysLow(notice: {
    userId: string;
    deviceId: string;
    oneTimeKeyCount: number;
    hasUnusedFallbackKey: boolean;
  }): void;
  noted(notice: { userId: string; deviceId: string; envelope: IncomingEnvelope }): void;
  /** The one notice of what is not committed yet. */
  readSync(notice: { userId: string; deviceId: string; envelope: EarlyEnvelope }): void;
  deviceRevoked(notice: { userId: string; deviceId: string }): void;
  devicesChanged(notice: {
    event: 'device:linked' | 'device:revoked';
    userId: string;
    devicesVersion: number;
  }): void;
  /** A revoked device keeps nothing any more: of interest to who looks, and nobody is woken for it. */
  deviceWiped(notice: { userId: string; devicesVersion: number }): void;
}

/** The conversation whose roster a delivery says to have changed; see `rosterChanged`. */
export function changedConversation(delivery: Delivery): string | undefined {
  if (delivery.kind !== 'frames' || !delivery.frame.startsWith(changedStart)) return undefined;
  return delivery.frame.slice(changedStart.length, delivery.frame.indexOf('"', changedStart.length));
}
const changedStart = '{"t":"conversation","conversationId":"';

export const frameText = (frame: ServerFrame) => JSON.stringify(frame);

/** What goes out most is put together, of as few parts as can be: of its words only the ciphertext may need escaping. */
function messageText(message: Message): string {
  const { conversationId, seq, clientId, senderUserId, senderDeviceId, at, ciphertext } = message;
  const from = `"senderUserId":"${senderUserId}","senderDeviceId":"${senderDeviceId}"`;
  const what = `"seq":${seq},"clientId":"${clientId}","at":${at},"ciphertext":${JSON.stringify(ciphertext)}`;
  return `{"t":"message","message":{"conversationId":"${conversationId}",${from},${what}}}`;
}

const activityEnds: Readonly<Record<ActivityKind, string>> = {
  typing: '","kind":"typing"}',
  recording: '","kind":"recording"}',
  calling: '","kind":"calling"}',
};

/** Those of each device in one frame. */
function framesBefore(envelopes: Committed['envelopes']): { deviceId: string; frame: string }[] {
  if (envelopes.length === 0) return [];
  const byDevice = new Map<string, IncomingEnvelope[]>();
  for (const { recipientDeviceId, envelope } of envelopes) {
    const list = byDevice.get(recipientDeviceId);
    if (list === undefined) byDevice.set(recipientDeviceId, [envelope]);
    else list.push(envelope);
  }
  return [...byDevice].map(([deviceId, list]) => ({
    deviceId,
    frame: frameText({ t: 'envelopes', envelopes: list }),
  }));
}

/** @param wake called with users whose devices are to be woken: another person wrote to them, or a device came or went */
export function createNotices(broker: Broker, wake: (userIds: string[]) => void): Notices {
  const textToUsers = (userIds: string[], frame: string, exceptDeviceId: string | null = null) => {
    if (userIds.length > 0)
      broker.publish({ kind: 'frames', userIds, frame, exceptDeviceId, before: [], times: null });
  };
  const toUsers = (userIds: string[], frame: ServerFrame, exceptDeviceId?: string) =>
    textToUsers(userIds, frameText(frame), exceptDeviceId);
  return {
    rosterChanged({ conversationId, rosterVersion, userIds }) {
      toUsers(userIds, { t: 'conversation', conversationId, rosterVersion });
    },
    committed({ userIds, frame, envelopes, times }) {
      const sender = frame.t === 'message' ? frame.message.senderDeviceId : frame.mark.senderDeviceId;
      broker.publish({
        kind: 'frames',
        userIds,
        frame: frame.t === 'message' ? messageText(frame.message) : frameText(frame),
        exceptDeviceId: sender,
        times,
        before: framesBefore(envelopes),
      });
      if (frame.t !== 'message') return;
      const { senderUserId } = frame.message;
      wake(userIds.filter((userId) => userId !== senderUserId));
    },
    activity({ conversationId, userId, activity, toUserIds }) {
      textToUsers(
        toUserIds,
        `{"t":"activity","conversationId":"${conversationId}","userId":"${userId}${activityEnds[activity]}`,
      );
    },
    presence({ toUserIds, exceptDeviceId, ...said }) {
      toUsers(toUserIds, { t: 'presence', ...said }, exceptDeviceId);
    },
    keysLow({ userId, deviceId, oneTimeKeyCount, hasUnusedFallbackKey }) {
      const frame = frameText({ t: 'keys', oneTimeKeyCount, hasUnusedFallbackKey });
      broker.publish({ kind: 'device', userId, deviceId, frame });
    },
    noted({ userId, deviceId, envelope }) {
      const frame = frameText({ t: 'envelopes', envelopes: [envelope] });
      broker.publish({ kind: 'device', userId, deviceId, frame });
    },
    readSync({ userId, deviceId, envelope }) {
      const frame = frameText({ t: 'read-sync:broadcast', envelope });
      broker.publish({ kind: 'device', userId, deviceId, frame });
    },
    devicesChanged({ event, userId, devicesVersion }) {
      toUsers([userId], { t: event, devicesVersion });
      wake([userId]);
    },
    deviceWiped({ userId, devicesVersion }) {
      toUsers([userId], { t: 'device:revoked', devicesVersion });
    },
    deviceRevoked({ userId, deviceId }) {
      broker.publish({
        kind: 'close',
        userId,
        deviceId,
        code: 'device_revoked',
        connection: null,
      });
    },
  };
}
