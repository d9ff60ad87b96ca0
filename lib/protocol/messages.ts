import * as z from 'zod';
import { id } from './ids';
import { limits } from './limits';

const utf8Bytes = (text: string) => new TextEncoder().encode(text).length;
const bounded = (maxBytes: number) =>
  z
    .string()
    .min(1)
    .max(maxBytes)
    // Three bytes for each unit of UTF-16 at most: what is short, as most is, need not be made into bytes to know.
    .refine((text) => text.length * 3 <= maxBytes || utf8Bytes(text) <= maxBytes);

export const envelopeType = z.string().regex(/^[a-z0-9._]{1,40}$/);
export const outgoingEnvelope = z.strictObject({
  recipientDeviceId: id,
  type: envelopeType,
  content: bounded(limits.envelopeMaxBytes),
});
export type OutgoingEnvelope = z.infer<typeof outgoingEnvelope>;

/**
 * `log`: a numbered message of the conversation. `mark`: the sender device's one mark (delivered and read, both
 * encrypted), which replaces its earlier one and has no number.
 */
export const slot = z.enum(['log', 'mark']);

export const sendMessage = z.strictObject({
  conversationId: id,
  /** The message's id, made on the sending device. A second send of it by the same device changes nothing. */
  clientId: id,
  slot,
  rosterVersion: z.int().min(1),
  ciphertext: bounded(limits.ciphertextMaxBytes),
  envelopes: z.array(outgoingEnvelope).max(limits.envelopesPerSend),
});
export type SendMessage = z.infer<typeof sendMessage>;

/** What a device tells the others of its account: an envelope for each of them, and nothing else. */
export const sendNote = z.strictObject({
  devicesVersion: z.int().min(1),
  envelopes: z.array(outgoingEnvelope).min(1).max(limits.devicesPerUser),
});
export type SendNote = z.infer<typeof sendNote>;

/** `stale`: nothing was stored; the account's devices have changed. */
export type NoteResult = { status: 'noted' } | { status: 'stale'; devicesVersion: number };

/** `seq` is 0 for a mark. `at` is the server's time of the commit in ms. */
export type SendResult =
  | { status: 'sent'; seq: number; at: number }
  /** Nothing was stored: the roster has changed. Fetch the conversation, mend the envelopes, send again. */
  | { status: 'stale'; rosterVersion: number };

export interface Message {
  conversationId: string;
  seq: number;
  clientId: string;
  senderUserId: string;
  senderDeviceId: string;
  ciphertext: string;
  at: number;
}

export interface Mark {
  conversationId: string;
  clientId: string;
  senderUserId: string;
  senderDeviceId: string;
  ciphertext: string;
  at: number;
}

export interface IncomingEnvelope {
  id: number;
  senderUserId: string;
  senderDeviceId: string;
  /** With which conversation's message it was sent; `null`: with none, as a note is, or that is not known. */
  conversationId: string | null;
  type: string;
  content: string;
}

/** Of an envelope that the server has not stored: there is nothing to acknowledge. */
export type EarlyEnvelope = Omit<IncomingEnvelope, 'id'>;

export const pullMessages = z.strictObject({
  conversationId: id,
  /** Messages with a greater number than this. */
  after: z.int().min(0),
  limit: z.int().min(1).max(limits.pullPageSize),
});
export const pullEnvelopes = z.strictObject({
  after: z.int().min(0),
  limit: z.int().min(1).max(limits.envelopePageSize),
});
export const ackEnvelopes = z.strictObject({
  ids: z.array(z.int().min(1)).min(1).max(limits.acksPerRequest),
});
