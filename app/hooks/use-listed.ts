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
  const catchesUp = useCatchingUp();
  useEffect(() => {
    if (!newestRead) return;
    const goOnNow = () => setGoOn(true);
    if (!catchesUp || fewRows) return whenThereIsTime(goOnNow);
    const timer = setTimeout(goOnNow, catchUpMs);
    return () => clearTimeout(timer);
  }, [newestRead, fewRows, catchesUp]);
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

/** Whether the newest messages are being fetched: what is read meanwhile of all the others would hold them up. */
function useCatchingUp(): boolean {
  const state = useConnection()?.state;
  return state === 'connecting' || state === 'catching_up';
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

/** Nobody waits longer for the rest; a tab that is not looked at draws nothing, and may never be idle. */
const waitMs = 1_000;
/** Nor longer than this for what is fetched before. */
const catchUpMs = 4_000;

/** Calls back once the screen is drawn and nothing presses. @returns what calls it off */
function whenThereIsTime(call: () => void): () => void {
  if (!('requestIdleCallback' in globalThis)) {
    const timer = setTimeout(call, waitMs / 4);
    return () => clearTimeout(timer);
  }
  const idle = requestIdleCallback(call, { timeout: waitMs });
  return () => cancelIdleCallback(idle);
}
