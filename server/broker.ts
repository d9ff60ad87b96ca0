import { z } from 'zod';
import { type ErrorCode, isErrorCode } from '../lib/protocol/errors';

/** To all devices of these users, wherever they are connected. */
const frames = z.object({
  kind: z.literal('frames'),
  userIds: z.array(z.string()),
  /** Serialised once; every device gets the same text. */
  frame: z.string(),
  /** Not sent to this device: it is answered by its own node. */
  exceptDeviceId: z.string().nullable(),
  /** What one device gets before the frame. */
  before: z.array(z.object({ deviceId: z.string(), frame: z.string() })),
});

const toDevice = z.object({
  kind: z.literal('device'),
  userId: z.string(),
  deviceId: z.string(),
  frame: z.string(),
});

/** Ends connections of a device that were opened before `openedBefore` (ms), but not `exceptConnectionId`. */
const closeDevice = z.object({
  kind: z.literal('close'),
  userId: z.string(),
  deviceId: z.string(),
  code: z.custom<ErrorCode>(isErrorCode),
  openedBefore: z.number(),
  exceptConnectionId: z.string().nullable(),
});

export const delivery = z.discriminatedUnion('kind', [frames, toDevice, closeDevice]);
export type Delivery = z.infer<typeof delivery>;

/**
 * Carries deliveries to all nodes, the publishing one included. At most once: what is lost is made good by the
 * cursors. What one node publishes arrives everywhere in that order.
 */
export interface Broker {
  publish(delivery: Delivery): void;
  close(): Promise<void>;
}
