import * as z from 'zod';
import { id } from '../protocol/ids';
import { revocation } from '../protocol/keys';
import { limits } from '../protocol/limits';

/** What one message says. Only devices see it: the server carries its ciphertext. */
export const content = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('text'),
    body: z.string().min(1).max(limits.textMaxLength),
    replyTo: id.nullable(),
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
  content,
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
