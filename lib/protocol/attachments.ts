import * as z from 'zod';

/**
 * Where an attachment's ciphertext lies: its SHA-256 as base64url. What is under an address never changes, so it may be
 * cached for as long as anybody likes, and whoever fetches it can check it.
 */
export const attachmentAddress = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** Before an address: `PUT` and `GET`. */
export const mediaPath = '/media/';

export const removeAttachment = z.object({ address: attachmentAddress });

/** The body of an answer that refuses. */
export const mediaRefusal = z.object({ code: z.string() });
