import {
  DeviceId,
  type KeysClaimRequest,
  KeysQueryRequest,
  KeysUploadRequest,
  type OlmMachine,
  RequestType,
  SignatureUploadRequest,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { isSignedBy } from './ed25519';
import { parseClaim, parsePreKey, parseQuery, parseUpload } from './json';
import { matrixUser, ourUser, userOf } from './names';
import type { KeyTransport, SignedKey } from './types';

type Bundle = Awaited<ReturnType<KeyTransport['bundles']>>[number];

/** More rounds than this mean that the machine and the server never agree. */
const rounds = 10;

/**
 * Carries the machine's requests to the server and the answers back, until it has no more.
 * @param pending a device of one's own that the server does not list yet, to be taken for listed
 */
export async function pump(
  olm: OlmMachine,
  transport: KeyTransport,
  pending: SignedKey | null = null,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const requests = await olm.outgoingRequests();
    let sent = 0;
    for (const request of requests) {
      if (request instanceof KeysUploadRequest) {
        const body = parseUpload(request.body);
        const { oneTimeKeyCount } = await transport.upload({
          oneTimeKeys: body.one_time_keys ?? {},
          fallbackKeys: body.fallback_keys ?? {},
        });
        await olm.markRequestAsSent(request.id, RequestType.KeysUpload, uploadAnswer(oneTimeKeyCount));
        sent++;
      } else if (request instanceof KeysQueryRequest) {
        const userIds = Object.keys(parseQuery(request.body).device_keys).map(ourUser);
        const answer = await queryAnswer(olm.userId.toString(), userIds, transport, pending);
        await olm.markRequestAsSent(request.id, RequestType.KeysQuery, answer);
        sent++;
      } else if (request instanceof SignatureUploadRequest && request.id) {
        // The signatures of a first device went with its sign-up.
        await olm.markRequestAsSent(request.id, RequestType.SignatureUpload, '{"failures":{}}');
        sent++;
      }
      // Key requests among own devices and the like: nothing here sends them; the machine may offer them again.
    }
    if (sent === 0) return;
  }
}

export const uploadAnswer = (oneTimeKeyCount: number): string =>
  JSON.stringify({ one_time_key_counts: { signed_curve25519: oneTimeKeyCount } });

async function queryAnswer(
  self: string,
  userIds: string[],
  transport: KeyTransport,
  pending: SignedKey | null,
): Promise<string> {
  const users = await transport.keys(userIds);
  const answer = {
    device_keys: {} as Record<string, Record<string, unknown>>,
    master_keys: {} as Record<string, unknown>,
    self_signing_keys: {} as Record<string, unknown>,
    user_signing_keys: {} as Record<string, unknown>,
    failures: {},
  };
  // One that the server does not tell of has no devices; without an entry the machine would ask for ever.
  for (const userId of userIds) answer.device_keys[matrixUser(userId)] = {};
  for (const user of users) {
    const name = matrixUser(user.userId);
    if (!(name in answer.device_keys)) continue;
    answer.device_keys[name] = Object.fromEntries(user.devices.map((one) => [one.deviceId, one.deviceKeys]));
    if (user.masterKey) answer.master_keys[name] = user.masterKey;
    if (user.selfSigningKey) answer.self_signing_keys[name] = user.selfSigningKey;
    if (user.userSigningKey && name === self) answer.user_signing_keys[name] = user.userSigningKey;
  }
  const own = answer.device_keys[self];
  if (pending && own) own[String(pending.device_id)] = pending;
  return JSON.stringify(answer);
}

/** Claims a prekey for each device that there is no session with. @returns those that gave one, and those that did not */
export async function claim(
  olm: OlmMachine,
  request: KeysClaimRequest,
  transport: KeyTransport,
): Promise<{ reached: string[]; sessionless: string[] }> {
  const wanted = Object.entries(parseClaim(request.body).one_time_keys).flatMap(([user, devices]) =>
    Object.keys(devices).map((deviceId) => ({ userId: ourUser(user), deviceId })),
  );
  const told = await transport.bundles(wanted);
  const bundles: Bundle[] = [];
  // The library passes a badly signed key over in silence, and then counts the device as one without sessions.
  for (const bundle of told) if (await isOwn(olm, bundle)) bundles.push(bundle);
  const keys: Record<string, Record<string, Record<string, unknown>>> = {};
  for (const { userId, deviceId, keyId, key } of bundles) {
    const devices = keys[matrixUser(userId)] ?? {};
    devices[deviceId] = { [keyId]: key };
    keys[matrixUser(userId)] = devices;
  }
  await olm.markRequestAsSent(
    request.id,
    RequestType.KeysClaim,
    JSON.stringify({ one_time_keys: keys, failures: {} }),
  );
  const reached = bundles.map((got) => got.deviceId);
  const asked = wanted.map((one) => one.deviceId);
  return { reached, sessionless: asked.filter((deviceId) => !reached.includes(deviceId)) };
}

/** Whether the device itself has signed its prekey. */
async function isOwn(olm: OlmMachine, { userId, deviceId, key }: Bundle): Promise<boolean> {
  const device = await olm.getDevice(userOf(userId), new DeviceId(deviceId));
  const signingKey = device?.ed25519Key?.toBase64();
  device?.free();
  const parsed = parsePreKey(key);
  const signature = parsed?.signatures?.[matrixUser(userId)]?.[`ed25519:${deviceId}`];
  if (!parsed || signingKey === undefined || signature === undefined) return false;
  const { fallback, key: publicKey } = parsed;
  // Canonical JSON: keys in their order, no spaces.
  const signed = JSON.stringify(fallback === undefined ? { key: publicKey } : { fallback, key: publicKey });
  return isSignedBy(signingKey, signature, signed);
}
