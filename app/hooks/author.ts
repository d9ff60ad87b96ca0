'use client';

import { createApi } from '../../lib/client/api';
import { AparteDb } from '../../lib/client/db';
import type { Author } from '../../lib/client/intents';

/** The profile's database, as this tab's screens see it. */
export const db = new AparteDb();

export const author: Author = {
  db,
  now: () => Date.now(),
  newId: () => crypto.randomUUID(),
};

/** For what is asked while online and not kept. */
export const api = createApi('', (input, init) => fetch(input, init));
