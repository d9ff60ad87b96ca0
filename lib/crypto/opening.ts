import {
  type DecryptedRoomEvent,
  DecryptionErrorCode,
  MegolmDecryptionError,
  type OlmMachine,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import type { Exchange } from './exchange';
import { parseEvent, parseObject } from './json';
import { matrixUser, ourUser, roomOf } from './names';
import { anyTrust, statusOf, trustRequirement } from './policy';
import type { Trust } from './trust';
import type { OpenResult, SealedMessage } from './types';

/** @throws what the network answered when the sender had to be asked for: the message may still be opened later */
export async function openMessage(
  olm: OlmMachine,
  exchange: Exchange,
  trust: Trust,
  message: SealedMessage,
): Promise<OpenResult> {
  const content = parseObject(message.ciphertext);
  if (content === undefined) return { status: 'invalid' };
  const event = JSON.stringify({
    type: 'm.room.encrypted',
    event_id: `$${message.messageId}`,
    room_id: roomOf(message.conversationId).toString(),
    sender: matrixUser(message.senderUserId),
    origin_server_ts: message.at,
    content,
    unsigned: {},
  });
  const room = roomOf(message.conversationId);
  let opened: DecryptedRoomEvent;
  try {
    opened = await olm.decryptRoomEvent(event, room, trustRequirement());
  } catch (error) {
    // The library takes an imported key for one of an unknown sender once it has learned or updated the device that
    // made it. Such a key counts if it is of the device that the message is said to be from, and its owner signed that.
    if (!isOfUnknownDevice(error)) return { status: statusOf(error) };
    await exchange.know([message.senderUserId]);
    const device = await trust.deviceOf(message.senderUserId, message.senderDeviceId);
    if (!device.signed) return { status: 'untrusted' };
    try {
      opened = await olm.decryptRoomEvent(event, room, anyTrust());
    } catch (again) {
      return { status: statusOf(again) };
    }
    if (device.identityKey !== opened.senderCurve25519Key) return { status: 'untrusted' };
  }
  return judge(exchange, trust, message, opened);
}

async function judge(
  exchange: Exchange,
  trust: Trust,
  message: SealedMessage,
  opened: DecryptedRoomEvent,
): Promise<OpenResult> {
  const sender = ourUser(opened.sender.toString());
  const device = opened.senderDevice?.toString();
  const believed =
    device === undefined
      ? await isKeyOf(exchange, trust, message, opened.senderCurve25519Key)
      : device === message.senderDeviceId;
  if (sender !== message.senderUserId || !believed) return { status: 'untrusted' };
  const revocation = trust.revocationOf(sender, message.senderDeviceId);
  if (revocation && message.at > revocation.at) return { status: 'revoked' };
  const parsed = parseEvent(opened.event);
  return parsed.success ? { status: 'ok', plaintext: parsed.data.content.plaintext } : { status: 'invalid' };
}

/**
 * A key from the backup tells no device, only its identity key: this must be that of the sender's device. One that
 * is listed no more cannot be compared; that the key is from a device of one's own must do.
 */
async function isKeyOf(
  exchange: Exchange,
  trust: Trust,
  { senderUserId, senderDeviceId }: SealedMessage,
  identityKey: string,
): Promise<boolean> {
  await exchange.know([senderUserId]);
  const known = (await trust.deviceOf(senderUserId, senderDeviceId)).identityKey;
  return known === undefined || known === identityKey;
}

const isOfUnknownDevice = (error: unknown) =>
  error instanceof MegolmDecryptionError && error.code === DecryptionErrorCode.UnknownSenderDevice;
