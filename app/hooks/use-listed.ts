'use client';

import { useLiveQuery } from 'dexie-react-hooks';
import { usePathname } from 'next/navigation';
import { useEffect, useState } from 'react';
import type { ConversationRow, PersonRow } from '../../lib/client/db';
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
    // Effects come after the screen is drawn; with the next turn nothing of this keeps it from being seen.
    const timer = setTimeout(() => setGoOn(true));
    return () => clearTimeout(timer);
  }, [first]);
  const conversations = useLiveQuery(async () => (goOn ? queries.conversations(db) : undefined), [goOn]);
  const people = useLiveQuery(async () => (goOn ? queries.people(db) : undefined), [goOn]);
  return {
    conversations: conversations ?? (first && first.rows.length > 0 ? first.rows : undefined),
    people: people ?? first?.people,
    whole: conversations !== undefined,
  };
}
