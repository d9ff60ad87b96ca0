import {
  DeviceId,
  KeysUploadRequest,
  type OlmMachine,
  OwnUserIdentity,
  RequestType,
  SecretsBundle,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { createBackup, resumeBackup } from './backup';
import { parsePublicKey, parseSignatures, parseSigningKeys, parseUpload, withSignatures } from './json';
import { ourUser, userOf } from './names';
import { uploadAnswer } from './pump';
import {
  type AccountSecrets,
  type DeviceKeys,
  IdentityMismatch,
  type SignedKey,
  type SignUpKeys,
} from './types';

/** Requests of a device's making, until the server has them. */
export interface Creating {
  uploadId: string;
  signaturesId: string | undefined;
}

/** The keys of an account and of its first device. */
export async function makeAccount(olm: OlmMachine): Promise<{ keys: SignUpKeys; creating: Creating }> {
  const user = olm.userId.toString();
  const deviceId = olm.deviceId.toString();
  const requests = await olm.bootstrapCrossSigning(true);
  await createBackup(olm);
  const upload: { id: string; body: string } = requests.uploadKeysRequest;
  const made = parseUpload(upload.body);
  const signing = parseSigningKeys(requests.uploadSigningKeysRequest.body);
  const signed = parseSignatures(requests.uploadSignaturesRequest.body)[user] ?? {};
  const masterName = Object.keys(signed).find((name) => name !== deviceId);
  const keys = {
    deviceKeys: withSignatures(made.device_keys ?? {}, signed[deviceId]),
    oneTimeKeys: made.one_time_keys ?? {},
    fallbackKeys: made.fallback_keys ?? {},
    masterKey: withSignatures(signing.master_key, masterName ? signed[masterName] : undefined),
    selfSigningKey: signing.self_signing_key,
    userSigningKey: signing.user_signing_key,
  };
  return { keys, creating: { uploadId: upload.id, signaturesId: requests.uploadSignaturesRequest.id } };
}

/** The keys of a device that joins an account. */
export async function makeDevice(olm: OlmMachine): Promise<{ keys: DeviceKeys; creating: Creating }> {
  const request = (await olm.outgoingRequests()).find((one) => one instanceof KeysUploadRequest);
  if (!request) throw new Error('the machine has keys already');
  const made = parseUpload(request.body);
  const keys = {
    deviceKeys: made.device_keys ?? {},
    oneTimeKeys: made.one_time_keys ?? {},
    fallbackKeys: made.fallback_keys ?? {},
  };
  return { keys, creating: { uploadId: request.id, signaturesId: undefined } };
}

export async function markMade(olm: OlmMachine, creating: Creating, oneTimeKeyCount: number): Promise<void> {
  await olm.markRequestAsSent(creating.uploadId, RequestType.KeysUpload, uploadAnswer(oneTimeKeyCount));
  if (creating.signaturesId) {
    await olm.markRequestAsSent(creating.signaturesId, RequestType.SignatureUpload, '{"failures":{}}');
  }
}

/** @returns the keys with the owner's signature; the machine must have heard of the device */
export async function signKeys(olm: OlmMachine, deviceKeys: SignedKey): Promise<SignedKey> {
  const deviceId = String(deviceKeys.device_id);
  const device = await olm.getDevice(userOf(ourUser(olm.userId.toString())), new DeviceId(deviceId));
  if (!device) throw new Error('the device is not known');
  const signed = parseSignatures((await device.verify()).body)[olm.userId.toString()] ?? {};
  device.free();
  return withSignatures(deviceKeys, signed[deviceId]);
}

/** @throws IdentityMismatch when the server tells another identity of this account */
export async function adopt(olm: OlmMachine, { bundle, masterKey }: AccountSecrets): Promise<void> {
  if ((await ownMasterKey(olm)) !== masterKey) throw new IdentityMismatch();
  await olm.importSecretsBundle(SecretsBundle.from_json(bundle));
  const identity = await olm.getIdentity(userOf(ourUser(olm.userId.toString())));
  if (!(identity instanceof OwnUserIdentity)) throw new IdentityMismatch();
  await identity.verify();
  identity.free();
  await resumeBackup(olm);
}

/** @throws IdentityMismatch when the server has told none */
export async function ownMasterKey(olm: OlmMachine): Promise<string> {
  const identity = await olm.getIdentity(userOf(ourUser(olm.userId.toString())));
  if (!(identity instanceof OwnUserIdentity)) throw new IdentityMismatch();
  const key = parsePublicKey(identity.masterKey);
  identity.free();
  if (key === undefined) throw new IdentityMismatch();
  return key;
}

export async function knowsAccount(olm: OlmMachine): Promise<boolean> {
  const identity = await olm.getIdentity(userOf(ourUser(olm.userId.toString())));
  const known = identity instanceof OwnUserIdentity;
  identity?.free();
  return known;
}
