'use client';

import { useEffect, useState } from 'react';
import { failureOf } from '../../lib/client/api';
import { endSession } from '../../lib/client/erasure';
import { api, db } from './author';

/** With a network, so long at most; without one, not at all: what is here can be read at once. */
const patienceMs = 1_500;

/**
 * Before anything is shown: has this device been shut out while it was away? Then it shows nothing, and the engine
 * wipes it. What was heard of one device says nothing of the next in the same tab.
 * @param deviceId `null`: nobody is signed in
 */
export function useFirstContact(deviceId: string | null): 'waiting' | 'through' | 'revoked' {
  const [known, setKnown] = useState<{ deviceId: string; contact: 'through' | 'revoked' } | null>(null);
  useEffect(() => {
    if (deviceId === null) return;
    let over = false;
    const pass = () =>
      setKnown((before) =>
        over || before?.deviceId === deviceId ? before : { deviceId, contact: 'through' },
      );
    if (!navigator.onLine) {
      pass();
      return;
    }
    const timer = setTimeout(pass, patienceMs);
    api.devices.version.query().then(pass, (error: unknown) => {
      if (over) return;
      if (failureOf(error) !== 'device_revoked') return pass();
      setKnown({ deviceId, contact: 'revoked' });
      // An engine that has lost its keys asks nobody, and would not hear of it.
      endSession(db, deviceId, 'device_revoked').catch((failed: unknown) =>
        console.warn('aparte: revoked', failed instanceof Error ? failed.name : ''),
      );
    });
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [deviceId]);
  return known && known.deviceId === deviceId ? known.contact : 'waiting';
}
