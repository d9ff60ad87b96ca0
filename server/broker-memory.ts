import type { Broker, Delivery } from './broker';

/** For one process: what is published is delivered at once. */
export function createMemoryBroker(deliver: (delivery: Delivery) => void): Broker {
  let open = true;
  return {
    publish(delivery) {
      if (open) deliver(delivery);
    },
    async close() {
      open = false;
    },
  };
}
