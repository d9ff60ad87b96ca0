import type { Lie } from '../crypto/types';
import type { ErrorCode } from '../protocol/errors';
import type { SignUpKeys } from '../protocol/keys';
import type { OutgoingEnvelope } from '../protocol/messages';
import type { PushSubscriptionKeys } from '../protocol/push';
import type { AlertSettings } from './alerts';
import type { ConversationRow } from './db';
import type { LinkState } from './link-state';
import type { Refusal } from './refusals';

/** The account of this browser profile, and how far its making has come. */
export type Session =
  | { state: 'signed_out' }
  | {
      state: 'signing_up';
      handle: string;
      name: string;
      deviceName: string;
      deviceType: DeviceKind;
      attempt: SignUpAttempt | null;
    }
  /** On a device that has lost all others: the recovery key brings the account back. */
  | { state: 'recovering'; handle: string; key: string; deviceName: string; deviceType: DeviceKind }
  | { state: 'recovery_failed'; handle: string; code: ErrorCode | 'offline' }
  | { state: 'sign_up_failed'; handle: string; name: string; code: ErrorCode | 'offline' }
  | { state: 'signed_in'; userId: string; deviceId: string; handle: string; name: string }
  /**
   * The server refused this device for good. One that was revoked is erased: `here`, and then the server is `told`. The
   * mark goes with the session, so that it says nothing of whoever comes after.
   */
  | { state: 'ended'; code: ErrorCode; erased?: 'here' | 'told' };

export type DeviceKind = 'WEB' | 'MOBILE' | 'DESKTOP';

/** Made once and kept, so that a sign-up whose answer was lost is asked again as the same one. */
export interface SignUpAttempt {
  userId: string;
  deviceId: string;
  idempotencyKey: string;
  /** The request's keys, stored before it is sent: `null` until they are made. */
  keys: SignUpKeys | null;
}

export type ConnectionStatus = (
  | { state: 'offline' }
  | { state: 'connecting' }
  | { state: 'catching_up' }
  | { state: 'online' }
  /** Another try at `retryAt` (ms). */
  | { state: 'waiting'; retryAt: number }
) & {
  /** When the engine said so, ms; an earlier version did not say it. */
  at?: number;
};

export interface MetaValues {
  session: Session;
  connection: ConnectionStatus;
  /** Server time up to which others' marks are known, ms. */
  marksSince: number;
  /** The linking under way, or how the last one ended. */
  link: LinkState;
  /** What other devices of the account told of conversations that the server has not told this one yet. */
  arriving: { conversations: Record<string, Partial<ConversationRow>> };
  /** On a device that joined later: the last page of the key backup that it has read. */
  backupCursor: number;
  /** Marks came before the backup had the keys to open them; they are asked for once more. */
  marksOwed: boolean;
  /** Messages that are still to come into gaps, of how many. */
  history: { left: number; total: number };
  /** The account's devices as this one knows them. */
  devices: { version: number; deviceIds: string[]; names: Record<string, string> };
  /** Devices that were linked or removed elsewhere, until somebody has looked. */
  deviceNews: DeviceNews[];
  /** What the server told that cannot be true; new ones until somebody has looked. */
  lies: ShownLie[];
  /** Whether the account can be recovered, as the server last said; a key that was made here waits to be stored. */
  recovery: RecoveryState;
  /** How often the reminder to make a recovery key was put off, and until when. */
  recoveryReminder: { putOff: number; until: number };
  /** This device came by recovery: its owner has not yet said what is to become of the lost ones. */
  recovered: { at: number };
  /** What this browser has cleared, until the account is back or given up. */
  lost: Loss;
  /** Texts that were not sent before their device lost its keys: they become drafts of the device that follows. */
  unsent: Record<string, string[]>;
  /** What a page leaves when it goes is sealed with it; base64. */
  lastWordsKey: string;
  /** The browser had cleared the cache, and it has been made anew; until somebody has read so. */
  mended: { at: number };
  /**
   * What another app has shared, until somebody has said for which conversation it is; `left`: files of it that were
   * not taken.
   */
  shared: { text: string; at: number; left?: number };
  /** How often the offer to install the app was put off, and until when. */
  installOffer: { putOff: number; until: number };
  /** Somebody has scrolled up to what was freed. */
  olderWanted: { at: number };
  /** Written and deleted again, to see whether there is room. */
  probe: { bytes: string };
  /** How far the server's clock is ahead of this device's, as last seen. */
  clockSkewMs: number;
  /** The last stamp of the hybrid clock that was made or seen here. */
  clock: string;
  /** What is being told to the account's other devices: bytes that are sent until they have arrived. */
  note: SealedNote;
  /** By tab: until when (ms) it counts as looked at unless it says so again. */
  visibleTabs: Record<string, number>;
  /** Whether others see when I am here, and I them. Not there: yes. */
  presenceShown: boolean;
  /** Stamp of the last change of that, on whichever device. */
  presenceShownAt: string;
  /** Whether the operator is told how long encryption takes here. Not there: no. */
  figuresShared: boolean;
  /** Until when (ms) others believe that I am here, by what this device last told them. */
  toldOnlineUntil: number;
  /** After so many minutes without a touch the app locks; 0: never. Only where a passphrase protects it. */
  autoLockMinutes: number;
  /** How this device tells its owner of new messages. */
  alertSettings: AlertSettings;
  /** What notifications are shown of. By conversation: the number of its newest message; by device: when it came or went. */
  shownAlerts: Record<string, number>;
  /** Of notifications that are shown when no page is open. */
  language: 'en' | 'fr';
  /** Where this browser is woken (`null`: nowhere), and whether the server knows. */
  push: { wanted: PushSubscriptionKeys | null; told: boolean };
  /** What was refused, oldest first. */
  refusals: Refusal[];
  /** Stamp of the last change of the owner's name, on whichever device. */
  nameAt: string;
  /** The offer to be told of new messages was put off. */
  alertsPutOff: boolean;
}

export type RecoveryState =
  | { state: 'none' }
  | { state: 'storing'; key: string }
  | { state: 'stored'; at: number };

/** A device of which the browser has cleared the keys, or everything. */
export interface Loss {
  what: 'keys' | 'all';
  userId: string;
  deviceId: string;
  handle: string;
  name: string;
}

export interface ShownLie extends Lie {
  seen: boolean;
}
export interface SealedNote {
  devicesVersion: number;
  envelopes: OutgoingEnvelope[];
  /** Of the keys in it, which count as given once the server has it. */
  shareIds: string[];
  told: { key: string; version: string }[];
}
export interface DeviceNews {
  event: 'linked' | 'removed';
  deviceId: string;
  name: string;
  at: number;
  /** Whether a notification has told of it, or need not. */
  told?: true;
}
export type MetaKey = keyof MetaValues;
export type MetaRow = { [K in MetaKey]: { key: K; value: MetaValues[K] } }[MetaKey];
