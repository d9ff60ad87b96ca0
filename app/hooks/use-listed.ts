'use client';

import { usePathname } from 'next/navigation';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { flushSync } from 'react-dom';
import type { ConversationRow, PersonRow } from '../../lib/client/db';
import { hearReading } from '../../lib/client/engine-start';
import { follow } from '../../lib/client/follow';
import * as queries from '../../lib/client/queries';
import { asRead } from '../../lib/client/reading-hint';
import { db } from './author';
import { useConnection, useSession } from './use-live';
import { whenThereIsTime } from './when-there-is-time';

/** More than the rows of a tall screen. */
const newestCount = 40;

export interface Listed {
  /** Newest first; `undefined` until they are read. */
  conversations: ConversationRow[] | undefined;
  people: Map<string, PersonRow> | undefined;
  /** One-to-one conversations whose other person was blocked, as far as they are read. */
  blocked: ConversationRow[];
  /** Whether these are all. */
  whole: boolean;
}

/**
 * Conversations and people, read once for the whole screen. What fits on a screen is read first and at every change;
 * the rest when there is time: decrypting a thousand rows is most of a cold start, and reading them again for each
 * message would be most of a catch-up.
 */
export function useReadListed(): Listed {
  const session = useSession();
  const me = session?.state === 'signed_in' ? session.userId : null;
  const atList = usePathname() === '/';
  const [openedAtList] = useState(atList);
  const [goOn, setGoOn] = useState(false);
  const readNewest = useCallback(
    (of: typeof db) => queries.newestConversations(of, me ?? '', newestCount),
    [me],
  );
  const newest = useTables(me, newestTables, readNewest, true);
  const all = useTables(me, conversationTables, queries.allConversations, goOn || !atList);
  const allPeople = useTables(me, peopleTables, queries.people, goOn || !atList);
  const newestRead = newest !== undefined;
  const fewRows = newest !== undefined && newest.rows.length < newestCount;
  const waitMs = useFetchingMs();
  useEffect(() => {
    if (!newestRead) return;
    const goOnNow = () => setGoOn(true);
    if (waitMs === 0 || fewRows) return whenThereIsTime(goOnNow);
    const timer = setTimeout(goOnNow, waitMs);
    return () => clearTimeout(timer);
  }, [newestRead, fewRows, waitMs]);
  const stored = useMemo(() => {
    if (all && newest) return queries.withNewest(all.listed, newest.rows);
    // Without the rest an empty list would say that there is nothing.
    return all?.listed ?? (openedAtList && newest && newest.rows.length > 0 ? newest.rows : undefined);
  }, [all, newest, openedAtList]);
  const read = useReading(me);
  const conversations = useMemo(() => stored && asRead(stored, read), [stored, read]);
  const people = useMemo(() => {
    // One who has just come may be known to the newest only.
    if (allPeople && newest) return new Map([...newest.people, ...allPeople]);
    return allPeople ?? (openedAtList ? newest?.people : undefined);
  }, [allPeople, newest, openedAtList]);
  const blocked = all?.blocked ?? newest?.blocked ?? nobody;
  const whole = all !== undefined;
  return useMemo(() => ({ conversations, people, blocked, whole }), [conversations, people, blocked, whole]);
}

const nobody: ConversationRow[] = [];
const newestTables = ['conversations', 'people'];
const conversationTables = ['conversations'];
const peopleTables = ['people'];

/** Once the engine has said that it fetches, nobody waits longer for that. */
const catchUpMs = 4_000;
/** Nor so long for an engine's first word: in another tab it may have said long ago that it is online. */
const unsaidMs = 1_500;

/**
 * How long the newest messages may still take to come, ms; 0: they are here, or there is no network. What is read
 * meanwhile of all the others would hold them up. What was said before this page was opened is of an earlier engine.
 */
function useFetchingMs(): number {
  const connection = useConnection();
  if (!navigator.onLine) return 0;
  if ((connection?.at ?? 0) < performance.timeOrigin) return unsaidMs;
  return connection?.state === 'connecting' || connection?.state === 'catching_up' ? catchUpMs : 0;
}

/** What a query reads of an account's whole tables, followed from when `on` is true; `undefined` until it is read. */
function useTables<T>(
  userId: string | null,
  tables: readonly string[],
  query: (of: typeof db) => Promise<T>,
  on: boolean,
): T | undefined {
  const [state, setState] = useState<{ value: T } | { error: unknown } | null>(null);
  useEffect(() => {
    if (!on || userId === null) return;
    return follow({
      db,
      tables,
      read: () => query(db),
      next: (value) => setState({ value }),
      error: (error) => setState({ error }),
    });
  }, [tables, query, on, userId]);
  // What one account has is nothing to the next.
  useEffect(() => (userId === null ? undefined : () => setState(null)), [userId]);
  if (state && 'error' in state) throw state.error;
  return state?.value;
}

/** What is read sooner after another reading is drawn when the browser has time. */
const drawAgainMs = 50;
const nothingRead: ReadonlyMap<string, number> = new Map();

/** How far was read since this page was opened, as said by those who read, here and on other devices; by conversation. */
function useReading(userId: string | null): ReadonlyMap<string, number> {
  const [read, setRead] = useState(nothingRead);
  useEffect(() => {
    if (userId === null) return;
    let drawnAt = Number.NEGATIVE_INFINITY;
    const stop = hearReading(({ conversationId, seq }) => {
      const take = (before: ReadonlyMap<string, number>) =>
        seq > (before.get(conversationId) ?? 0) ? new Map([...before, [conversationId, seq]]) : before;
      // Drawn in this very task, since somebody waits for it; unless many come one after another.
      const isFirst = performance.now() - drawnAt > drawAgainMs && document.visibilityState === 'visible';
      if (isFirst) flushSync(() => setRead(take));
      else setRead(take);
      drawnAt = performance.now();
    });
    return () => {
      stop();
      setRead(nothingRead);
    };
  }, [userId]);
  return read;
}
