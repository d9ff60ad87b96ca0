'use client';

import { type RefObject, useMemo } from 'react';
import { lastMessages, messagesAround } from '../../lib/client/queries';
import { db } from './author';
import { MessageWindow, type Page } from './message-window';
import { useLiveOf } from './use-live';

/** Less than any message takes with what is around it. */
const leastMessagePx = 20;
const leastSize = 40;
/** So many messages are read at first: more than the screen holds, and nobody waits for those far above it. */
export const firstSize = () => Math.max(leastSize, Math.ceil(window.innerHeight / leastMessagePx));
/** So many more are read at a time on the way up. */
export const pageSize = 100;

/** A place in a conversation, and how much of it is read before and after. */
export interface Around {
  messageId: string;
  order: number;
  before: number;
  after: number;
}

export interface ShownPage extends Page {
  /** What the page was read for; `null`: the newest messages. */
  around: Around | null;
  /** There are no newer ones. */
  newest: boolean;
}

/**
 * The newest messages of a conversation, at least `limit` of them where there are so many, or those around a place.
 * @param atEnd whether the newest is in view: if not, the oldest of them is kept while others arrive
 */
export function useMessages(
  id: string,
  limit: number,
  atEnd: RefObject<boolean>,
  around: Around | null,
): ShownPage | undefined {
  const window = useMemo(() => new MessageWindow((count) => lastMessages(db, id, count)), [id]);
  return useLiveOf(
    id,
    async () =>
      around
        ? readAround(id, around)
        : { ...(await window.read(limit, !atEnd.current, pageSize)), around, newest: true },
    [limit, around],
  );
}

async function readAround(id: string, around: Around): Promise<ShownPage> {
  const { order, before, after } = around;
  const { earlier, later } = await messagesAround(db, id, order, before, after);
  const whole = earlier.length < before;
  return { rows: [...earlier, ...later], whole, limit: before, around, newest: later.length < after };
}
