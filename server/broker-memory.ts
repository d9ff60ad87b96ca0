import type { Broker, LocalNode } from './broker';

/** For one process: what is published is delivered at once. */
export function createMemoryBroker(node: LocalNode): Broker {
  let open = true;
  return {
    publish(delivery) {
      if (open) node.deliver(delivery);
    },
    connected: () => undefined,
    disconnected: () => undefined,
    async sessionsOf(userIds) {
      return userIds.flatMap((userId) =>
        node.sessionsOf(userId).map(({ deviceId }) => ({ userId, deviceId, nodeId: 'this' })),
      );
    },
    async close() {
      open = false;
    },
  };
}
