'use client';

import { useEffect, useState } from 'react';
import { failureOf } from '../../lib/client/api';
import { api } from './author';

/** With a network, so long at most; without one, not at all: what is here can be read at once. */
const patienceMs = 1_500;

/**
 * Before anything is shown: has this device been shut out while it was away? Then it shows nothing, and the engine
 * wipes it.
 */
export function useFirstContact(signedIn: boolean): 'waiting' | 'through' | 'revoked' {
  const [contact, setContact] = useState<'waiting' | 'through' | 'revoked'>('waiting');
  useEffect(() => {
    if (!signedIn) return;
    const pass = () => setContact((known) => (known === 'waiting' ? 'through' : known));
    if (!navigator.onLine) {
      pass();
      return;
    }
    const timer = setTimeout(pass, patienceMs);
    api.devices.version.query().then(pass, (error: unknown) => {
      if (failureOf(error) === 'device_revoked') setContact('revoked');
      else pass();
    });
    return () => clearTimeout(timer);
  }, [signedIn]);
  return contact;
}
