'use client';

import { useEffect, useRef } from 'react';
import { db } from './author';

/**
 * The browser can clear the storage under an open page. What is on the screen is then nowhere else: the page begins
 * anew, once, and says what has become of it.
 */
export function useCleared(signedIn: boolean): void {
  const had = useRef(false);
  had.current ||= signedIn;
  useEffect(() => {
    const look = async () => {
      if (had.current && !(await db.readMeta('session'))) location.reload();
    };
    const closed = () => {
      setTimeout(() => void look());
    };
    db.on('close', closed);
    return () => db.on('close').unsubscribe(closed);
  }, []);
}
