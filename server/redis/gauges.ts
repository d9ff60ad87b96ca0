import type { Metrics } from '../metrics/metrics';
import type { Link } from './link';

/** What is looked up at a scrape about the link to the other nodes. */
export function watchRedis(
  { make }: Metrics,
  parts: {
    link: Pick<Link, 'parts'>;
    peers: { readonly size: number };
    routes: { readonly size: number };
    lost: { readonly size: number };
  },
): void {
  make.gauges(
    {
      name: 'aparte_redis_link_up',
      help: 'Whether the link to Redis is up (1) or not (0), by what it is for.',
      label: 'link',
      values: ['publish', 'subscribe'],
    },
    () => {
      const { publish, subscribe } = parts.link.parts;
      return { publish: publish ? 1 : 0, subscribe: subscribe ? 1 : 0 };
    },
  );
  make.gauge(
    { name: 'aparte_redis_nodes', help: 'Other nodes that were heard lately.' },
    () => parts.peers.size,
  );
  make.gauge(
    { name: 'aparte_redis_routes', help: 'Users of whom it is remembered where they are connected.' },
    () => parts.routes.size,
  );
  make.gauge(
    {
      name: 'aparte_redis_users_to_look',
      help: 'Users of whom other nodes were not told while the link was down; they look when it is back.',
    },
    () => parts.lost.size,
  );
}
