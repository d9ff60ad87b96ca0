'use client';

import { type RefObject, useMemo, useState } from 'react';
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

/** What was read longer ago is not shown. */
const aheadMs = 2_000;
/** What is read of the conversation that was clicked on last. */
let ahead: { id: string; clickedAt: number; page: ShownPage | null } | null = null;

/** Reads the newest messages of a conversation while the way to it is drawn. What is live is read again when it is. */
export function readAhead(id: string): void {
  const reading: NonNullable<typeof ahead> = { id, clickedAt: performance.now(), page: null };
  ahead = reading;
  readNewest(windowOf(id), firstSize(), false).then(
    (page) => {
      reading.page = page;
    },
    // The live read fails likewise, and says so.
    () => undefined,
  );
}

function takeAhead(id: string): ShownPage | undefined {
  const found = ahead?.id === id && performance.now() - ahead.clickedAt < aheadMs ? ahead.page : null;
  ahead = null;
  return found ?? undefined;
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
  const window = useMemo(() => windowOf(id), [id]);
  const [early] = useState(() => takeAhead(id));
  const live = useLiveOf(
    id,
    async () => (around ? readAround(id, around) : readNewest(window, limit, !atEnd.current)),
    [limit, around],
  );
  return live ?? (around === null ? early : undefined);
}

const windowOf = (id: string) => new MessageWindow((count) => lastMessages(db, id, count));

async function readNewest(window: MessageWindow, limit: number, held: boolean): Promise<ShownPage> {
  return { ...(await window.read(limit, held, pageSize)), around: null, newest: true };
}

async function readAround(id: string, around: Around): Promise<ShownPage> {
  const { order, before, after } = around;
  const { earlier, later } = await messagesAround(db, id, order, before, after);
  const whole = earlier.length < before;
  return { rows: [...earlier, ...later], whole, limit: before, around, newest: later.length < after };
}
