import type pg from 'pg';
import { collectDefaultMetrics } from 'prom-client';
import type { Authentication } from '../devices/authentication';
import type { Doorkeeper } from '../http/doorkeeper';
import type { Hub } from '../hub';
import type { Committer } from '../messages/commit';
import type { Pusher } from '../push/pusher';
import type { Metrics } from './metrics';

export interface NodeParts {
  hub: Pick<Hub, 'size' | 'userCount' | 'unackedBytes'>;
  authentication: Pick<Authentication, 'waiting'>;
  doorkeeper: Pick<Doorkeeper, 'open'>;
  committer: Pick<Committer, 'queued'>;
  pusher: Pick<Pusher, 'queued'>;
  pool: Pick<pg.Pool, 'totalCount' | 'idleCount' | 'waitingCount'>;
}

/** What is looked up at a scrape: how full the node's parts are. */
export function watchNode(
  { make }: Metrics,
  { hub, doorkeeper, authentication, committer, pusher, pool }: NodeParts,
): void {
  make.gauge({ name: 'aparte_connections', help: 'Devices connected to this node now.' }, () => hub.size);
  make.gauge(
    { name: 'aparte_connected_users', help: 'People with at least one device connected to this node now.' },
    () => hub.userCount,
  );
  make.gauge(
    {
      name: 'aparte_sockets',
      help: 'Connections now that are no device’s: pages, calls, and who says nothing.',
    },
    () => doorkeeper.open,
  );
  make.gauge(
    {
      name: 'aparte_unacknowledged_bytes',
      help: 'Bytes sent to devices of this node that they have not said to have read.',
    },
    () => hub.unackedBytes,
  );
  make.gauge(
    { name: 'aparte_authentications_waiting', help: 'Tokens that wait for a query now.' },
    () => authentication.waiting,
  );
  make.gauge(
    { name: 'aparte_commit_queue_messages', help: 'Messages that wait for a statement now.' },
    () => committer.queued,
  );
  make.gauge(
    { name: 'aparte_push_queue_devices', help: 'Devices that wait to be woken by push now.' },
    () => pusher.queued,
  );
  make.gauges(
    {
      name: 'aparte_database_connections',
      help: 'Connections of the pool by state, and callers who wait for one.',
      label: 'state',
      values: ['idle', 'busy', 'waiting'],
    },
    () => ({
      idle: pool.idleCount,
      busy: pool.totalCount - pool.idleCount,
      waiting: pool.waitingCount,
    }),
  );
}

/** Memory, CPU, garbage collection and the event loop's delay, under the library's own names. Once per process. */
export function watchProcess({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  // It lists /proc/self/fd at every scrape, in one go: with 100,000 connections everybody would wait for it.
  registry.removeSingleMetric('process_open_fds');
}
