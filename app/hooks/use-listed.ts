'use client';

import { usePathname } from 'next/navigation';
import { useEffect, useState } from 'react';
import type { ConversationRow, PersonRow } from '../../lib/client/db';
import { follow } from '../../lib/client/follow';
import * as queries from '../../lib/client/queries';
import { db } from './author';

/** More than the rows of a tall screen. */
const firstCount = 40;

export interface Listed {
  /** Newest first; `undefined` until they are read. */
  conversations: ConversationRow[] | undefined;
  people: Map<string, PersonRow> | undefined;
  /** Whether these are all. */
  whole: boolean;
}

type First = Awaited<ReturnType<typeof queries.newestConversations>>;

/**
 * Conversations and people, read once for the whole screen. An app that opens at the list shows what fits on a screen
 * first, and reads the rest after that: decrypting a thousand rows is most of a cold start.
 */
export function useReadListed(): Listed {
  const atList = usePathname() === '/';
  const [first, setFirst] = useState<First | null>(null);
  const [goOn, setGoOn] = useState(!atList);
  useEffect(() => {
    if (goOn) return;
    // A database that fails tells of it where all is read.
    queries.newestConversations(db, firstCount).then(setFirst, () => setGoOn(true));
  }, [goOn]);
  useEffect(() => {
    if (!first) return;
    return afterDrawing(() => setGoOn(true));
  }, [first]);
  const conversations = useTable('conversations', queries.conversations, goOn);
  const people = useTable('people', queries.people, goOn);
  return {
    conversations: conversations ?? (first && first.rows.length > 0 ? first.rows : undefined),
    people: people ?? first?.people,
    whole: conversations !== undefined,
  };
}

/** What a query reads of a whole table, followed from when `on` is true; `undefined` until it is read. */
function useTable<T>(table: string, query: (of: typeof db) => Promise<T>, on: boolean): T | undefined {
  const [state, setState] = useState<{ value: T } | { error: unknown } | null>(null);
  useEffect(() => {
    if (!on) return;
    return follow({
      db,
      tables: [table],
      read: () => query(db),
      next: (value) => setState({ value }),
      error: (error) => setState({ error }),
    });
  }, [table, query, on]);
  if (state && 'error' in state) throw state.error;
  return state?.value;
}

/** A tab that is not looked at draws nothing. */
const drawnWithinMs = 1_000;

/** Calls back once what stands in the document now has been drawn. @returns what calls it off */
function afterDrawing(call: () => void): () => void {
  let timer = setTimeout(call, drawnWithinMs);
  let frame = requestAnimationFrame(() => {
    // The first is called before the drawing, the second with the next.
    frame = requestAnimationFrame(() => {
      clearTimeout(timer);
      timer = setTimeout(call);
    });
  });
  return () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
}
