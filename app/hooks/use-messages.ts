'use client';

import { type RefObject, useMemo } from 'react';
import { lastMessages } from '../../lib/client/queries';
import { db } from './author';
import { MessageWindow, type Page } from './message-window';
import { useLiveOf } from './use-live';

/** So many messages are read at a time. */
export const pageSize = 100;

/**
 * The newest messages of a conversation, at least `limit` of them where there are so many.
 * @param atEnd whether the newest is in view: if not, the oldest of them is kept while others arrive
 */
export function useMessages(id: string, limit: number, atEnd: RefObject<boolean>): Page | undefined {
  const window = useMemo(() => new MessageWindow((count) => lastMessages(db, id, count)), [id]);
  return useLiveOf(id, () => window.read(limit, !atEnd.current, pageSize), [limit]);
}
