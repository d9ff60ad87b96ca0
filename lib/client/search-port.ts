import * as z from 'zod';
import { findsMost } from './finds-most';
import type { SearchHit } from './search';

/** What a screen asks its search worker, or takes back before it is answered. Questions are numbered from 1. */
export const searchAsk = z.object({
  id: z.int().min(1),
  /** `null`: nobody wants the answer any more. */
  query: z
    .object({
      text: z.string().max(500),
      conversationId: z.string().nullable(),
      limit: z.int().min(1).max(findsMost),
      stamp: z.int().min(0).optional(),
    })
    .nullable(),
});
export type SearchAsk = z.infer<typeof searchAsk>;

/** `hits` is `null` when the cache could not be read. */
export interface SearchAnswer {
  id: number;
  hits: SearchHit[] | null;
}
