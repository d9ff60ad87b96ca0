'use client';

import { useEffect } from 'react';
import { isShutOut } from '../../lib/client/erasure';
import { forgetWords, leaveWords, takeWords, type Words } from '../../lib/client/last-words';
import type { Session } from '../../lib/client/meta';
import { author } from './author';

/** Somebody who holds what is typed and not stored yet. */
export interface Holder {
  /** Stores it, at once. */
  save: () => Promise<void>;
  /** `null`: all is stored. */
  held: () => Words | null;
}

const holders = new Set<Holder>();
/** Words that are being stored. */
const onTheirWay = new Set<Words>();

/** @returns what takes the holder back */
export function holdUnsaved(holder: Holder): () => void {
  holders.add(holder);
  return () => holders.delete(holder);
}

/** For words whose storing the page may not live to see. @returns as the storing does */
export function untilStored<T>(words: Words, storing: Promise<T>): Promise<T> {
  onTheirWay.add(words);
  return storing.finally(() => onTheirWay.delete(words));
}

/** Resolves when all that is typed in this tab is stored, or cannot be. */
export async function saveAll(): Promise<void> {
  await Promise.allSettled([...holders].map(({ save }) => save()));
}

/**
 * What is typed or sent and not stored when a page goes is left to those that are open or come after it.
 */
export function useLastWords(session: Session | undefined): void {
  const signedIn = session?.state === 'signed_in';
  const shutOut = isShutOut(session);
  useEffect(() => {
    const go = () => {
      const typed = [...holders].map(({ held }) => held()).filter((words) => words !== null);
      leaveWords(author, localStorage, [...onTheirWay, ...typed]);
    };
    addEventListener('pagehide', go);
    return () => removeEventListener('pagehide', go);
  }, []);
  useEffect(() => {
    if (shutOut) forgetWords(localStorage);
    if (!signedIn) return;
    // What cannot be stored now stays where it is.
    const take = () => void takeWords(author, localStorage).catch(() => undefined);
    take();
    // Another page has gone, or come back.
    addEventListener('storage', take);
    addEventListener('pageshow', take);
    return () => {
      removeEventListener('storage', take);
      removeEventListener('pageshow', take);
    };
  }, [signedIn, shutOut]);
}
