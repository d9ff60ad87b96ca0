import type { Delivery } from '../broker';
import type { Place } from './routes';

type Routed = Exclude<Delivery, { kind: 'close' }>;

/** What of a delivery is for which node: its own recipients, and what precedes for their devices. */
export function forkByNode(
  sent: Routed,
  places: ReadonlyMap<string, readonly Place[]>,
  counts: (nodeId: string) => boolean,
): Map<string, Routed> {
  const nodes = new Map<string, { userIds: Set<string>; deviceIds: Set<string> }>();
  for (const [userId, devices] of places)
    for (const { deviceId, nodeId } of devices) {
      if (!counts(nodeId) || (sent.kind === 'device' && sent.deviceId !== deviceId)) continue;
      let node = nodes.get(nodeId);
      if (node === undefined) {
        node = { userIds: new Set(), deviceIds: new Set() };
        nodes.set(nodeId, node);
      }
      node.userIds.add(userId);
      node.deviceIds.add(deviceId);
    }
  return new Map(
    [...nodes].map(([nodeId, { userIds, deviceIds }]) => [
      nodeId,
      sent.kind === 'device'
        ? sent
        : {
            ...sent,
            userIds: [...userIds],
            before: sent.before.filter(({ deviceId }) => deviceIds.has(deviceId)),
          },
    ]),
  );
}
