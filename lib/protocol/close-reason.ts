import * as z from 'zod';
import type { ErrorCode } from './errors';

/** Longest time that a server may ask its devices to spread their return over. */
const longestMs = 10 * 60_000;

/** How long devices may take to come back, in ms: each picks its moment by chance. What exceeds the bound is cut to it. */
export const returnWithinMs = z
  .number()
  .min(0)
  .transform((ms) => Math.min(Math.round(ms), longestMs));

const reason = z
  .string()
  .regex(/^[a-z_]{1,40} \d{1,9}$/)
  .transform((text) => Number(text.slice(text.indexOf(' ') + 1)))
  .pipe(returnWithinMs);

/** What a close frame says beside its code: the error, and within how many ms to come back where the server has a wish. */
export const closeReason = (code: ErrorCode, withinMs?: number): string =>
  withinMs === undefined ? code : `${code} ${Math.round(withinMs)}`;

/** @returns within how many ms to come back, 0 where the reason does not say */
export function withinMsOf(text: string): number {
  const parsed = reason.safeParse(text);
  return parsed.success ? parsed.data : 0;
}
