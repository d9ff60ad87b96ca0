import {
  DecryptedRoomEvent,
  DecryptionErrorCode,
  type DecryptionSettings,
  MegolmDecryptionError,
  type OlmMachine,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import type { Archive } from './archive';
import type { Exchange } from './exchange';
import { parseEvent, parseObject } from './json';
import { matrixUser, notesOf, ourUser, roomOf } from './names';
import { anyTrust, statusOf, trustRequirement } from './policy';
import type { KnownDevice, Trust } from './trust';
import type { OpenResult, SealedMessage } from './types';

/** What the library made of a ciphertext, before it is known whose it is. */
interface Tried {
  opened: DecryptedRoomEvent | null;
  status: 'ok' | 'missing_key' | 'untrusted' | 'invalid';
  /** Opened whoever the library takes for the owner of its key: that is to be compared. */
  byKey: boolean;
  session: string;
}

/**
 * Opens messages side by side, since most of the time of one is waiting for the library's store; then looks at them one
 * by one.
 * @returns in the order of the messages
 * @throws what the network answered when a sender had to be asked for: they may still be opened later
 */
export async function openMessages(
  olm: OlmMachine,
  exchange: Exchange,
  trust: Trust,
  archive: Archive,
  messages: SealedMessage[],
): Promise<OpenResult[]> {
  const tried: Tried[] = [];
  const { tellings } = trust;
  const tryAll = async (indexes: number[]) => {
    const open = async (index: number) => {
      const message = messages[index];
      if (message) tried[index] = await decrypt(olm, trust, archive, message);
    };
    await Promise.all(indexes.map(open));
  };
  // The first of each key tells how the others are to be opened.
  const [first, others] = parted(messages);
  await tryAll(first);
  await tryAll(others);
  const notes = notesOf(trust.userId);
  const results: OpenResult[] = [];
  try {
    for (const [index, message] of messages.entries()) {
      const one = tried[index];
      results.push(one ? await judge(exchange, trust, message, one) : { status: 'invalid' });
      if (!one || !(await isKnownByKey(trust, message, one)) || trust.tellings !== tellings) continue;
      if (archive.has(one.session)) trust.byKey.add(one.session);
      else archive.read(one.session, message.conversationId === notes, tellings);
    }
  } finally {
    for (const { opened } of tried) opened?.free();
  }
  return results;
}

/** Takes keys that are used much into memory: with them, too, a message's sender is compared by key from now on. */
export async function recall(archive: Archive, trust: Trust): Promise<void> {
  for (const session of await archive.recall(trust.tellings)) trust.byKey.add(session);
}

/** @returns where the first message of each key stands, and where the others do */
function parted(messages: SealedMessage[]): [number[], number[]] {
  const seen = new Set<unknown>();
  const first: number[] = [];
  const others: number[] = [];
  for (const [index, { ciphertext }] of messages.entries()) {
    const session = parseObject(ciphertext)?.session_id;
    (seen.has(session) ? others : first).push(index);
    seen.add(session);
  }
  return [first, others];
}

async function decrypt(
  olm: OlmMachine,
  trust: Trust,
  archive: Archive,
  message: SealedMessage,
): Promise<Tried> {
  const content = parseObject(message.ciphertext);
  if (content === undefined) return { opened: null, status: 'invalid', byKey: false, session: '' };
  const room = roomOf(message.conversationId);
  const event = JSON.stringify({
    type: 'm.room.encrypted',
    event_id: `$${message.messageId}`,
    room_id: room.toString(),
    sender: matrixUser(message.senderUserId),
    origin_server_ts: message.at,
    content,
    unsigned: {},
  });
  const open = async (settings: DecryptionSettings): Promise<unknown> => {
    try {
      return await olm.decryptRoomEvent(event, room, settings);
    } catch (error) {
      return error;
    } finally {
      settings.free();
    }
  };
  try {
    // The library takes an imported key for one of an unknown sender once it has learned or updated the device that
    // made it. Such a key counts if it is of the device that the message is said to be from, and its owner has signed
    // that. A key that was found so opens a whole history: it is not asked again until devices have changed.
    const session = String(content.session_id);
    const strict = trust.byKey.has(session) ? null : await open(trustRequirement());
    const byKey = strict === null || isOfUnknownDevice(strict);
    if (byKey) trust.byKey.add(session);
    const quick = byKey ? await archive.open(session, event, room) : null;
    if (quick instanceof DecryptedRoomEvent) return { opened: quick, status: 'ok', byKey, session };
    const opened = byKey ? await open(anyTrust()) : strict;
    if (opened instanceof DecryptedRoomEvent) return { opened, status: 'ok', byKey, session };
    return { opened: null, status: statusOf(opened), byKey, session };
  } finally {
    room.free();
  }
}

async function judge(
  exchange: Exchange,
  trust: Trust,
  message: SealedMessage,
  { opened, status, byKey }: Tried,
): Promise<OpenResult> {
  if (opened === null) return { status: status === 'ok' ? 'invalid' : status };
  const sender = ourUser(opened.sender.toString());
  const deviceId = byKey ? undefined : opened.senderDevice?.toString();
  const believed =
    deviceId === undefined
      ? await isKeyOf(exchange, trust, message, opened, byKey)
      : deviceId === message.senderDeviceId;
  if (sender !== message.senderUserId || !believed) return { status: 'untrusted' };
  const revocation = trust.revocationOf(sender, message.senderDeviceId);
  if (revocation && message.at > revocation.at) return { status: 'revoked' };
  const parsed = parseEvent(opened.event);
  return parsed.success ? { status: 'ok', plaintext: parsed.data.content.plaintext } : { status: 'invalid' };
}

/**
 * A key from the backup tells no device, only its identity key: this must be that of the sender's device. One that
 * is listed no more cannot be compared; that the key is from a device of one's own must do, as long as the library
 * still knows it for one.
 */
async function isKeyOf(
  exchange: Exchange,
  trust: Trust,
  { senderUserId, senderDeviceId }: SealedMessage,
  opened: DecryptedRoomEvent,
  byKey: boolean,
): Promise<boolean> {
  await exchange.know([senderUserId]);
  const device = await trust.deviceOf(senderUserId, senderDeviceId);
  if (byKey) return isMadeBy(device, opened);
  return device.identityKey === undefined || device.identityKey === opened.senderCurve25519Key;
}

/** Whether this was opened the long way, and would count as well if its key was compared with its sender's device. */
async function isKnownByKey(
  trust: Trust,
  message: SealedMessage,
  { opened, byKey }: Tried,
): Promise<boolean> {
  if (!opened || byKey) return false;
  return isMadeBy(await trust.deviceOf(message.senderUserId, message.senderDeviceId), opened);
}

/** Both keys: anybody can publish a device with the identity key of another. */
const isMadeBy = (device: KnownDevice, opened: DecryptedRoomEvent): boolean =>
  device.signed &&
  device.identityKey === opened.senderCurve25519Key &&
  device.signingKey === opened.senderClaimedEd25519Key;

const isOfUnknownDevice = (error: unknown) =>
  error instanceof MegolmDecryptionError && error.code === DecryptionErrorCode.UnknownSenderDevice;
