import * as z from 'zod';
import { type ErrorCode, isErrorCode } from '../lib/protocol/errors';
import type { Session } from './session';

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
  /** For a message: when its sender's frame came and when it was committed, in ms, to measure the fan-out. */
  times: z.object({ receivedAt: z.number(), committedAt: z.number() }).nullable(),
});

const toDevice = z.object({
  kind: z.literal('device'),
  userId: z.string(),
  deviceId: z.string(),
  frame: z.string(),
});

/** Ends connections of a device: all, or the one of this number on its node. */
const closeDevice = z.object({
  kind: z.literal('close'),
  userId: z.string(),
  deviceId: z.string(),
  code: z.custom<ErrorCode>(isErrorCode),
  connection: z.number().nullable(),
});

export const delivery = z.discriminatedUnion('kind', [frames, toDevice, closeDevice]);
export type Delivery = z.infer<typeof delivery>;

/** Where a device is connected. */
export interface DeviceSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly nodeId: string;
}

/** What a broker needs of its own node. */
export interface LocalNode {
  /** How many connections it has. */
  readonly size: number;
  deliver(delivery: Delivery): void;
  sessions(): Iterable<Session>;
  sessionsOf(userId: string): readonly Session[];
}

/**
 * Carries deliveries to the nodes where somebody is whom they are for, the publishing one included. At most once:
 * what is lost is made good by the cursors, and where it may have been lost the devices are told to look. What one
 * node publishes arrives at another in that order.
 */
export interface Broker {
  publish(delivery: Delivery): void;
  /** A device has connected to this node, and the node has it already. */
  connected(session: Session): void;
  /** It is gone. */
  disconnected(session: Session): void;
  /** The connected devices of users, on all nodes. Without a link to the others, those of this node. */
  sessionsOf(userIds: readonly string[]): Promise<DeviceSession[]>;
  close(): Promise<void>;
}

/** Tells devices to compare with the server. */
export const lookFrame = '{"t":"look"}';

export const look = (userIds: string[]): Delivery => ({
  kind: 'frames',
  userIds,
  frame: lookFrame,
  exceptDeviceId: null,
  before: [],
  times: null,
});

/** The users of a delivery. */
export const usersOf = (sent: Delivery): string[] => (sent.kind === 'frames' ? sent.userIds : [sent.userId]);
