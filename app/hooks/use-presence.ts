'use client';

import { useNow } from 'use-intl';
import { type Presence, presenceAt } from '../../lib/client/queries';
import { useConnection, usePresences } from './use-live';

/** An expiry or a "last seen" is shown at most this much late. */
const lookEveryMs = 10_000;

/** @returns whether a person is here, as far as this device knows */
export function usePresence(): (userId: string) => Presence {
  const presences = usePresences();
  const now = useNow({ updateInterval: lookEveryMs }).getTime();
  const connection = useConnection()?.state;
  // Who goes now is not heard of.
  const deaf = connection === 'waiting' || connection === 'offline';
  // A row that came after the last look is newer than `now`, which only makes it last a little longer.
  return (userId) => {
    const presence = presenceAt(presences?.get(userId), now);
    return deaf && presence.state === 'online' ? { state: 'unknown' } : presence;
  };
}
