import {
  type Device,
  LocalTrust,
  type OlmMachine,
  OwnUserIdentity,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { userOf } from './names';
import type { Withheld } from './types';

/**
 * Before every share: a device counts as verified if its owner has signed it and the owner's identity is the one
 * known; any other as unset. With the strategy `onlyTrustedDevices` the rest get no key. The library's other
 * strategies hand the key to ghosts or to a swapped identity.
 *
 * @returns what is withheld, and the users whose identity has changed
 */
export async function markTrust(
  olm: OlmMachine,
  userIds: string[],
): Promise<{ withheld: Withheld[]; identityChanged: string[] }> {
  const withheld: Withheld[] = [];
  const identityChanged: string[] = [];
  for (const userId of userIds) {
    const approved = await isApproved(olm, userId);
    if (approved === 'changed') identityChanged.push(userId);
    const devices = await olm.getUserDevices(userOf(userId));
    for (const device of devices.devices()) {
      const isSelf = userOf(userId).toString() === olm.userId.toString() && isThis(olm, device);
      const trusted = approved === 'known' && device.isCrossSignedByOwner();
      const wanted = trusted ? LocalTrust.Verified : LocalTrust.Unset;
      if (!isSelf && device.localTrustState !== wanted) await device.setLocalTrust(wanted);
      if (!trusted && !isSelf) {
        withheld.push({ userId, deviceId: device.deviceId.toString(), reason: 'unsigned' });
      }
      device.free();
    }
    devices.free();
  }
  return { withheld, identityChanged };
}

const isThis = (olm: OlmMachine, device: Device) => device.deviceId.toString() === olm.deviceId.toString();

async function isApproved(olm: OlmMachine, userId: string): Promise<'known' | 'none' | 'changed'> {
  const identity = await olm.getIdentity(userOf(userId));
  if (!identity) return 'none';
  try {
    if (identity instanceof OwnUserIdentity) return identity.isVerified() ? 'known' : 'none';
    const changed = identity.identityNeedsUserApproval() || identity.hasVerificationViolation();
    return changed ? 'changed' : 'known';
  } finally {
    identity.free();
  }
}
