import type { Kysely } from 'kysely';
import { up as start } from './0001-start';
import { up as devices } from './0002-devices';
import { up as trust } from './0003-trust';
import { up as push } from './0004-push';
import { up as usedKeys } from './0005-used-keys';
import { up as attachments } from './0006-attachments';
import { up as envelopeConversations } from './0007-envelope-conversations';

export interface Migration {
  name: string;
  up(db: Kysely<unknown>): Promise<void>;
}

/** In order. A migration that has been released is never changed; a new one is appended. */
export const migrations: readonly Migration[] = [
  { name: '0001-start', up: start },
  { name: '0002-devices', up: devices },
  { name: '0003-trust', up: trust },
  { name: '0004-push', up: push },
  { name: '0005-used-keys', up: usedKeys },
  { name: '0006-attachments', up: attachments },
  { name: '0007-envelope-conversations', up: envelopeConversations },
];
