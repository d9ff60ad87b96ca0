import type { Db } from './db/database';
import type { Metrics } from './metrics/metrics';
import type { Notices } from './notices';
import type { MemberLists } from './presence/member-lists';

/** What the rules stand on. */
export interface Ground {
  readonly db: Db;
  readonly notices: Notices;
  readonly metrics: Metrics;
  readonly memberLists: MemberLists;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The device that asks, known by its token. */
export interface Asker {
  readonly userId: string;
  readonly deviceId: string;
}
