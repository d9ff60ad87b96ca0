import * as z from 'zod';
import type { ErrorCode } from './errors';
import { figures } from './figures';
import { id } from './ids';
import {
  ackEnvelopes,
  type EarlyEnvelope,
  type IncomingEnvelope,
  type Mark,
  type Message,
  sendMessage,
  sendNote,
} from './messages';

/** A frame is one JSON text. `r` pairs an answer with its request on this connection. */
const request = z.int().min(0);

export const activityKind = z.enum(['typing', 'recording', 'calling']);
export type ActivityKind = z.infer<typeof activityKind>;

const presenceState = z.enum(['online', 'away']);
export type PresenceState = z.infer<typeof presenceState>;

export const deviceFrame = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('send'), r: request, message: sendMessage }),
  z.strictObject({ t: z.literal('note'), r: request, note: sendNote }),
  z.strictObject({ t: z.literal('ack'), ids: ackEnvelopes.shape.ids }),
  z.strictObject({ t: z.literal('activity'), conversationId: id, kind: activityKind }),
  /** To all people of my conversations, or to one of them. */
  z.strictObject({ t: z.literal('presence'), state: presenceState, toUserId: id.nullable() }),
  /** Only from devices whose owners agreed. Not answered. */
  z.strictObject({ t: z.literal('figures'), figures }),
  z.strictObject({ t: z.literal('ping') }),
]);
export type DeviceFrame = z.infer<typeof deviceFrame>;

/**
 * An empty message of a device says that it is there, and is not answered. The server takes for dead whom it has not
 * heard of for 24 to 28 seconds.
 */
export const beat = '';
/** After so long without another word of its own a device beats, ms: a beat that is six seconds late is in time. */
export const beatMs = 18_000;

/** Stands in no frame: JSON escapes it. */
export const frameSeparator = '\n';

/**
 * The frames of one WebSocket message of the server: what is bound for a device at the same moment comes in one, since
 * each message costs both sides as much as many frames do. A device sends one frame a message, or a beat.
 * @throws SyntaxError when it is not the server's
 */
export const framesOf = (message: string): ServerFrame[] =>
  message.includes(frameSeparator)
    ? message.split(frameSeparator).map((frame) => JSON.parse(frame))
    : [JSON.parse(message)];

/** Every frame of the server is a hint: one that is lost is made good by the cursors. */
export type ServerFrame =
  /** `returnWithinMs`: over how long devices should spread their return if this node dies. */
  | { t: 'ready'; at: number; returnWithinMs: number }
  /** Something meant for this device may not have reached it: compare with the server. */
  | { t: 'look' }
  | { t: 'sent'; r: number; seq: number; at: number }
  | { t: 'stale'; r: number; rosterVersion: number }
  | { t: 'noted'; r: number }
  | { t: 'stale_note'; r: number; devicesVersion: number }
  | { t: 'error'; r: number | null; code: ErrorCode }
  /** The envelopes that a message needs precede it on the same connection. */
  | { t: 'envelopes'; envelopes: IncomingEnvelope[] }
  /** What another device of this account is telling. It is not stored yet, nor accepted: the envelope itself follows. */
  | { t: 'read-sync:broadcast'; envelope: EarlyEnvelope }
  | { t: 'message'; message: Message }
  | { t: 'mark'; mark: Mark }
  /** The roster of a conversation of mine changed, or I am new to it: fetch it. */
  | { t: 'conversation'; conversationId: string; rosterVersion: number }
  | { t: 'activity'; conversationId: string; userId: string; kind: ActivityKind }
  /** `broadcast`: told to all, not as an answer to me. */
  | { t: 'presence'; userId: string; state: PresenceState; broadcast: boolean; at: number }
  /** One-time keys run low. */
  | { t: 'keys'; oneTimeKeyCount: number; hasUnusedFallbackKey: boolean }
  /** The devices of one's own account have changed: look at the list. */
  | { t: 'device:linked' | 'device:revoked'; devicesVersion: number }
  | { t: 'pong' };
