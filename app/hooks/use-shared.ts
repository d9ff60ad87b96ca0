'use client';

import { useLiveQuery } from 'dexie-react-hooks';
import { shared } from '../../lib/client/sharing';
import { db } from './author';

/** `null`: nothing was shared. `undefined` until the first answer. */
export const useShared = () => useLiveQuery(() => shared(db, Date.now()), []);
