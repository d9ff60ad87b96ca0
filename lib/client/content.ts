import * as z from 'zod';
import { attachmentAddress } from '../protocol/attachments';
import { id } from '../protocol/ids';
import { revocation } from '../protocol/keys';
import { limits } from '../protocol/limits';

/** A picture that goes with a text, as its sender's device has made it ready. */
export const picture = z.object({
  type: z.enum(['image/webp', 'image/jpeg']),
  width: z.int().min(1).max(limits.pictureMaxSide),
  height: z.int().min(1).max(limits.pictureMaxSide),
  /** The same in a few pixels, base64, of the same type: shown until it is here. May be empty. */
  standIn: z.base64().max(limits.pictureStandInMaxLength),
});
export type Picture = z.infer<typeof picture>;

/** Its ciphertext lies on the server; this says where, and opens it. */
const sentPicture = picture.extend({ address: attachmentAddress, secret: z.string().max(1_000) });
export type SentPicture = z.infer<typeof sentPicture>;

/** What one message says. Only devices see it: the server carries its ciphertext. */
export const content = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('text'),
    /** Empty only beside a picture. */
    body: z.string().max(limits.textMaxLength),
    replyTo: id.nullable(),
    picture: sentPicture.optional(),
  }),
  z.object({ kind: z.literal('edit'), target: id, body: z.string().min(1).max(limits.textMaxLength) }),
  z.object({ kind: z.literal('delete'), target: id }),
  /** `null` takes the reaction back; a person has one reaction to a message. */
  z.object({ kind: z.literal('react'), target: id, emoji: z.string().max(32).nullable() }),
  /** Said by the one who changed the group, after the server did it; the title is told again to new members. */
  z.object({
    kind: z.literal('group'),
    title: z.string().max(limits.titleMaxLength).nullable(),
    added: z.array(id).max(limits.membersPerRequest),
    removed: z.array(id).max(limits.membersPerRequest),
  }),
]);
export type Content = z.infer<typeof content>;

/** Own devices that were shut out lately: told with every message, so that no server can keep it from its reader. */
const revoked = z.array(revocation).max(limits.revocationsPerMessage).optional();

/**
 * The plaintext of a message. The id and the conversation stand inside as well, so that a server that shows a
 * ciphertext again, under another id or elsewhere, is caught.
 */
export const payload = z.object({
  v: z.literal(1),
  id,
  conversationId: id,
  /** The sender's name as they write it now. */
  name: z.string().max(limits.nameMaxLength),
  sentAt: z.number(),
  revoked,
  content: content.refine((said) => said.kind !== 'text' || said.body !== '' || said.picture !== undefined),
});
export type Payload = z.infer<typeof payload>;

/** The plaintext of a mark: how far this device's owner has received and read. */
export const markPayload = z.object({
  v: z.literal(1),
  id,
  conversationId: id,
  delivered: z.int().min(0),
  read: z.int().min(0),
  revoked,
});
export type MarkPayload = z.infer<typeof markPayload>;
