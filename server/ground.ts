import type { Db } from './db/database';
import type { Notices } from './notices';

/** What the rules stand on. */
export interface Ground {
  readonly db: Db;
  readonly notices: Notices;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The device that asks, known by its token. */
export interface Asker {
  readonly userId: string;
  readonly deviceId: string;
}
