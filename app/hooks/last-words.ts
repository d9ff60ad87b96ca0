'use client';

import { useEffect } from 'react';
import { leaveWords, type Said, type Typed, takeWords, wordsCipher } from '../../lib/client/last-words';
import type { RowCipher } from '../../lib/client/row-cipher';
import { author, db } from './author';

/** Somebody who holds what is typed and not stored yet. */
export interface Holder {
  /** Stores it, at once. */
  save: () => Promise<void>;
  /** `null`: all is stored. */
  held: () => Typed | null;
}

const holders = new Set<Holder>();
/** What was sent and is being stored. */
const onTheirWay = new Set<Said>();
/** Of the device that this page last looked for; a page that has not looked yet has nothing to leave. */
let cipher: RowCipher | null = null;

/** @returns what takes the holder back */
export function holdUnsaved(holder: Holder): () => void {
  addEventListener('pagehide', leave);
  holders.add(holder);
  return () => holders.delete(holder);
}

/** For words whose storing the page may not live to see. @returns as the storing does */
export function untilStored<T>(words: Said, storing: Promise<T>): Promise<T> {
  onTheirWay.add(words);
  return storing.finally(() => onTheirWay.delete(words));
}

/** Resolves when all that is typed in this tab is stored, or cannot be. */
export async function saveAll(): Promise<void> {
  await Promise.allSettled([...holders].map(({ save }) => save()));
}

/** Not a component's: a page that locks itself takes them all down before it goes. */
function leave(): void {
  const typed = [...holders].map(({ held }) => held()).filter((words) => words !== null);
  if (cipher) leaveWords(author, cipher, localStorage, [...onTheirWay, ...typed]);
}

/** One page after the other takes what was left. */
const takingLock = 'aparte-last-words';

async function take(): Promise<void> {
  await navigator.locks.request(takingLock, async () => {
    // Asked for each time: another tab may have wiped the cache, and with it the key.
    const now = await wordsCipher(db);
    cipher = now;
    await takeWords(author, now, localStorage);
  });
}

/**
 * What is typed or sent and not stored when a page goes is left to those that are open or come after it: the page's own
 * transactions end with it.
 * @param deviceId `null`: nobody is signed in
 */
export function useLastWords(deviceId: string | null): void {
  useEffect(() => {
    if (deviceId === null) return;
    // What cannot be stored now stays where it is.
    const look = () => void take().catch(() => undefined);
    look();
    // Another page has gone.
    addEventListener('storage', look);
    return () => removeEventListener('storage', look);
  }, [deviceId]);
}
