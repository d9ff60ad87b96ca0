import * as z from 'zod';

/** To the worker. A number tells the connections of one pool apart, so that a late answer reaches no successor. */
export const toWorker = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('connect'), connection: z.number() }),
  z.object({ kind: z.literal('bytes'), connection: z.number(), bytes: z.instanceof(Uint8Array) }),
  z.object({ kind: z.literal('close') }),
]);
export type ToWorker = z.infer<typeof toWorker>;

export const fromWorker = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('bytes'), connection: z.number(), bytes: z.instanceof(Uint8Array) }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
  z.object({ kind: z.literal('closed') }),
]);
export type FromWorker = z.infer<typeof fromWorker>;
