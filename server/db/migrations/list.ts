import type { Kysely } from 'kysely';
import { up as start } from './0001-start';

export interface Migration {
  name: string;
  up(db: Kysely<unknown>): Promise<void>;
}

/** In order. A migration that has been released is never changed; a new one is appended. */
export const migrations: readonly Migration[] = [{ name: '0001-start', up: start }];
