import {
  DecryptedRoomEvent,
  DecryptionErrorCode,
  type DecryptionSettings,
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
  const decrypt = (settings: DecryptionSettings): Promise<unknown> =>
    olm.decryptRoomEvent(event, roomOf(message.conversationId), settings).catch((error: unknown) => error);
  const strict = await decrypt(trustRequirement());
  // The library takes an imported key for one of an unknown sender once it has learned or updated the device that made
  // it. Such a key counts if it is of the device that the message is said to be from, and its owner has signed that.
  const disowned = isOfUnknownDevice(strict);
  const opened = disowned ? await decrypt(anyTrust()) : strict;
  if (!(opened instanceof DecryptedRoomEvent)) return { status: statusOf(opened) };
  const sender = ourUser(opened.sender.toString());
  const deviceId = disowned ? undefined : opened.senderDevice?.toString();
  const believed =
    deviceId === undefined
      ? await isKeyOf(exchange, trust, message, opened.senderCurve25519Key, disowned)
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
  identityKey: string,
  disowned: boolean,
): Promise<boolean> {
  await exchange.know([senderUserId]);
  const device = await trust.deviceOf(senderUserId, senderDeviceId);
  if (disowned) return device.signed && device.identityKey === identityKey;
  return device.identityKey === undefined || device.identityKey === identityKey;
}

const isOfUnknownDevice = (error: unknown) =>
  error instanceof MegolmDecryptionError && error.code === DecryptionErrorCode.UnknownSenderDevice;
