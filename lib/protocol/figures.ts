import * as z from 'zod';

/** Upper bounds, in ms, of the slots in which devices count how long encryption took; one more slot is for the rest. */
export const cryptoBoundsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] as const;

/** One report says no more than this: nobody can bend a town's figures far. */
export const maxFigure = 10_000;
const count = z.int().min(0).max(maxFigure);
const counts = z.array(count).length(cryptoBoundsMs.length + 1);

/** What a device whose owner agreed counted since its last report. No time, no conversation, no id is in it. */
export const figures = z.strictObject({
  encryptions: counts,
  decryptions: counts,
  decryptionFailures: count,
});
export type Figures = z.infer<typeof figures>;
