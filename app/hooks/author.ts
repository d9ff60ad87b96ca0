'use client';

import { createApi } from '../../lib/client/api';
import { AparteDb } from '../../lib/client/db';
import type { Author } from '../../lib/client/intents';
import { type KeyRing, openKeyRing } from '../../lib/client/key-ring';

let ring: KeyRing | null = null;

/** This tab's keys. A tab that is locked begins anew, with nothing in its memory. Not asked for before there is a page. */
export function keyRing(): KeyRing {
  ring ??= openKeyRing(() => location.reload());
  return ring;
}

/** The profile's database, as this tab's screens see it. */
export const db = new AparteDb(() => keyRing().key('cache'));

export const author: Author = {
  db,
  now: () => Date.now(),
  newId: () => crypto.randomUUID(),
};

/** For what is asked while online and not kept. */
export const api = createApi('', (input, init) => fetch(input, init));
