import type { ToDeviceRequest } from '@matrix-org/matrix-sdk-crypto-wasm';
import { parseToDevice } from './json';
import { ourUser } from './names';
import type { OutgoingEnvelope } from './types';

/** What the library wants each device to get, as envelopes: one for every recipient device of every request. */
export function envelopesOf(requests: readonly ToDeviceRequest[]): OutgoingEnvelope[] {
  return requests.flatMap(({ event_type: type, body }) =>
    Object.entries(parseToDevice(body).messages).flatMap(([user, devices]) =>
      Object.entries(devices).map(([recipientDeviceId, content]) => ({
        recipientUserId: ourUser(user),
        recipientDeviceId,
        type,
        content: JSON.stringify(content),
      })),
    ),
  );
}
