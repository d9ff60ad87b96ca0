import * as z from 'zod';
import { delivery } from '../broker';

/** To one node, on its own channel. */
const nodeWord = z.discriminatedUnion('t', [
  z.object({ t: z.literal('parcel'), from: z.string(), number: z.number(), deliveries: z.array(delivery) }),
  /** Whom was what for that you sent me after this number? */
  z.object({ t: z.literal('ask'), from: z.string(), after: z.number() }),
  /** For these users, up to that number; null: it is not known any more, so for anyone. */
  z.object({
    t: z.literal('answer'),
    from: z.string(),
    upTo: z.number(),
    userIds: z.array(z.string()).nullable(),
  }),
]);
export type NodeWord = z.infer<typeof nodeWord>;

/** To all nodes. */
const commonWord = z.discriminatedUnion('t', [
  /** Said every two seconds, with the number of the last parcel to each node. Who is `fresh` wants to hear the others. */
  z.object({
    t: z.literal('alive'),
    from: z.string(),
    fresh: z.boolean(),
    sent: z.record(z.string(), z.number()),
  }),
  /** Goes to everyone, whoever they are routed to: a device that is shut out must not depend on a route. */
  z.object({ t: z.literal('close'), from: z.string(), deliveries: z.array(delivery) }),
  /** Anyone may have missed something. */
  z.object({ t: z.literal('look'), from: z.string() }),
]);
export type CommonWord = z.infer<typeof commonWord>;

export const readNodeWord = (text: string): NodeWord => nodeWord.parse(JSON.parse(text));
export const readCommonWord = (text: string): CommonWord => commonWord.parse(JSON.parse(text));

export const commonChannel = 'aparte:nodes';
export const channelOf = (nodeId: string) => `aparte:node:${nodeId}`;
/** Where Redis says which keys that were read have changed. */
export const invalidationChannel = '__redis__:invalidate';

const sessionsPrefix = 'aparte:sessions:';
/** A hash: by device, the node and the number of its connection there. */
export const sessionsKey = (userId: string) => sessionsPrefix + userId;
export const userOfKey = (key: string) =>
  key.startsWith(sessionsPrefix) ? key.slice(sessionsPrefix.length) : null;
