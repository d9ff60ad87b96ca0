import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { type Broker, type Delivery, delivery } from './broker';

const channel = 'aparte:deliveries';
const parcel = z.object({ from: z.string(), delivery });
/** While Redis is away deliveries are dropped beyond this many; devices pull what they miss. */
const maxInFlight = 10_000;

export interface RedisBrokerOptions {
  url: string;
  deliver: (delivery: Delivery) => void;
  /** Called for every failure to reach Redis, with an error that holds no content. */
  onError: (error: Error) => void;
}

/**
 * Over Redis Pub/Sub, for several nodes. Resolves once subscribed; reconnects by itself later. This node's own
 * devices are served directly, so they need no Redis to hear of each other.
 */
export async function createRedisBroker({ url, deliver, onError }: RedisBrokerOptions): Promise<Broker> {
  const publisher = new Redis(url, { enableOfflineQueue: false, lazyConnect: true });
  const subscriber = new Redis(url, { lazyConnect: true });
  publisher.on('error', onError);
  subscriber.on('error', onError);
  const nodeId = randomUUID();
  let inFlight = 0;
  let open = true;
  const settled = () => {
    inFlight -= 1;
  };

  subscriber.on('message', (_channel: string, text: string) => {
    if (!open) return;
    try {
      const received = parcel.parse(JSON.parse(text));
      if (received.from !== nodeId) deliver(received.delivery);
    } catch {
      onError(new Error('A delivery from another node could not be read.'));
    }
  });
  await Promise.all([publisher.connect(), subscriber.connect()]);
  await subscriber.subscribe(channel);

  return {
    publish(sent) {
      if (!open) return;
      deliver(sent);
      if (inFlight >= maxInFlight || publisher.status !== 'ready') return;
      inFlight += 1;
      publisher
        .publish(channel, JSON.stringify({ from: nodeId, delivery: sent }))
        .then(settled, (error: unknown) => {
          settled();
          onError(error instanceof Error ? error : new Error('Redis refused a delivery.'));
        });
    },
    async close() {
      open = false;
      subscriber.disconnect();
      publisher.disconnect();
    },
  };
}
