'use client';

import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { ConversationRow, MessageRow } from '../../lib/client/db';
import { fetchOlder } from '../../lib/client/freeing';
import { markRead } from '../../lib/client/intents';
import { isArriving, message } from '../../lib/client/queries';
import { author, db } from '../hooks/author';
import { firstUnreadOf, shown } from '../hooks/opening';
import { forgetHashMessage } from '../hooks/use-hash';
import { useWaitingTargets } from '../hooks/use-live';
import { type Around, firstSize, pageSize, useMessages } from '../hooks/use-messages';
import { useNames } from '../hooks/use-names';
import { Announcer } from './announcer';
import { Bubble } from './bubble';
import type { Writing } from './conversation-page';
import { FullPicture } from './full-picture';
import { Icon } from './icons';
import { type Item, layOut } from './message-layout';
import { DaySeparator, Notice, UnreadDivider } from './message-notices';

/** Closer to the end than this counts as being there. */
const atEndPx = 80;
/** Closer to the start than this, older messages are read. */
const nearStartPx = 1_200;
/** So many messages are read on either side of one that is gone to. */
const aroundSize = 60;

/** The messages, newest at the bottom. Only what is on screen is in the document; older pages load on the way up. */
export function MessageList(props: {
  conversation: ConversationRow;
  /** A message to go to; '' for none. */
  target: string;
  /** Is told of the last text of one's own, for the key that takes it up. */
  lastOwn: RefObject<MessageRow | undefined>;
  onWrite: (writing: Writing) => void;
}) {
  const { conversation, target, lastOwn, onWrite } = props;
  const { conversationId } = conversation;
  const t = useTranslations('conversation');
  const names = useNames();
  const [limit, setLimit] = useState(firstSize);
  const [atEnd, setAtEnd] = useState(true);
  /** Whose picture has the whole screen. Not its row's, which goes as messages arrive. */
  const [full, setFull] = useState<MessageRow | null>(null);
  const stick = useRef(true);
  stick.current = atEnd;
  const [around, setAround] = useState<Around | null>(null);
  const page = useMessages(conversationId, limit, stick, around);
  const messages = page?.rows;
  const scroller = useRef<HTMLDivElement>(null);
  const lastOffset = useRef(0);
  const virtualizer = useRef<VirtualizerHandle>(null);
  // Where the divider stands is decided on opening: it must not run away while one reads.
  const [firstUnread] = useState(() => firstUnreadOf(conversation));
  useEffect(() => shown(conversationId), [conversationId]);
  const me = names.me?.userId ?? '';
  const waiting = useWaitingTargets(conversationId);
  // What was freed here is not gone: it comes from the server as one scrolls up.
  const freed = (conversation.freedSeq ?? 0) > conversation.joinedSeq;
  const arriving = isArriving(conversation);
  const whole = (page?.whole ?? false) && !freed && !arriving;
  const items = useMemo(
    () => layOut(page?.rows ?? [], whole, firstUnread, me),
    [page, whole, firstUnread, me],
  );
  const lastKey = items.at(-1)?.key;
  const firstKey = useRef<string | undefined>(undefined);
  const prepended = firstKey.current !== undefined && items[0]?.key !== firstKey.current;
  firstKey.current = items[0]?.key;

  const toEnd = () => virtualizer.current?.scrollToIndex(items.length - 1, { align: 'end' });
  const toNewest = () => {
    setAround(null);
    setAtEnd(true);
    toEnd();
  };

  useEffect(() => {
    if (target === '') return;
    let wanted = true;
    const go = async () => {
      const row = await message(db, target);
      if (!wanted) return;
      forgetHashMessage();
      if (row?.conversationId !== conversationId) return;
      setAtEnd(false);
      setAround({ messageId: row.id, order: row.order, before: aroundSize, after: aroundSize });
    };
    void go();
    return () => {
      wanted = false;
    };
  }, [target, conversationId]);

  const shownAround = page?.around?.messageId;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the place is gone to when it is first there.
  useLayoutEffect(() => {
    if (shownAround === undefined) return;
    const index = items.findIndex((item) => item.kind === 'message' && item.message.id === shownAround);
    if (index >= 0) virtualizer.current?.scrollToIndex(index, { align: 'center' });
  }, [shownAround]);

  // What a larger window holds is read as it grows: where nothing can be scrolled, nobody can ask for more.
  useEffect(() => {
    const resized = () => setLimit((known) => Math.max(known, firstSize()));
    addEventListener('resize', resized);
    return () => removeEventListener('resize', resized);
  }, []);

  useLayoutEffect(() => {
    const own = (row: MessageRow) => row.senderId === me && row.kind === 'text' && !row.deleted;
    // Away from the newest nothing is known of it.
    lastOwn.current = page?.newest ? page.rows.findLast(own) : undefined;
  }, [page, me, lastOwn]);

  // Who writes wants to see it, wherever they were.
  const written = conversation.preview?.senderId === me ? conversation.preview.messageId : null;
  const knownWritten = useRef(written);
  useEffect(() => {
    if (written !== knownWritten.current && written !== null) {
      setAround(null);
      setAtEnd(true);
    }
    knownWritten.current = written;
  }, [written]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last row moves the view, nothing else does.
  useLayoutEffect(() => {
    const last = messages?.at(-1);
    if (last && page?.newest && (atEnd || last.status === 'queued')) toEnd();
  }, [lastKey]);

  // Rows are measured after they are shown, and the composer grows: at the end, stay at the end.
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const observer = new ResizeObserver(() => {
      if (stick.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(box);
    for (const child of box.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);

  const lastSeq = messages?.findLast((message) => message.seq !== null)?.seq ?? 0;
  useEffect(() => {
    const read = () => {
      if (document.visibilityState === 'visible' && atEnd && lastSeq > 0) {
        void markRead(author, conversationId, lastSeq);
      }
    };
    read();
    document.addEventListener('visibilitychange', read);
    return () => document.removeEventListener('visibilitychange', read);
  }, [conversationId, lastSeq, atEnd]);

  const scrolled = (offset: number) => {
    const box = scroller.current;
    if (!box) return;
    const left = box.scrollHeight - offset - box.clientHeight;
    const newest = page?.newest ?? true;
    // Who is at the end leaves it upwards only: else it has moved away, by a row that grew or a taller field below.
    const stays = stick.current && offset >= lastOffset.current;
    lastOffset.current = offset;
    const ends = newest && (stays || left < atEndPx);
    setAtEnd(ends);
    if (!page || page.around !== around) return;
    if (!around) {
      // What the screen holds is here: more is for who goes up.
      if (!ends && offset < nearStartPx && page.limit === limit && !page.whole) setLimit(limit + pageSize);
      else if (freed && page.whole && offset < atEndPx) void fetchOlder(author, conversationId);
    } else if (newest && left < atEndPx) setAround(null);
    else if (offset < nearStartPx && !page.whole) setAround({ ...around, before: around.before + pageSize });
    else if (left < nearStartPx && !newest) setAround({ ...around, after: around.after + pageSize });
  };

  return (
    <div className="messages-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <div ref={scroller} className="messages" role="log" aria-live="off" aria-label={t('log')} tabIndex={0}>
        <div className="grow" />
        {arriving && page?.whole && <p className="beginning">{t('arriving')}</p>}
        {freed && !arriving && page?.whole && (
          <p className="beginning">
            <button type="button" className="link" onClick={() => void fetchOlder(author, conversationId)}>
              {t('older')}
            </button>
          </p>
        )}
        <Virtualizer
          key={shownAround ?? 'newest'}
          ref={virtualizer}
          data={items}
          scrollRef={scroller}
          shift={prepended}
          onScroll={scrolled}
        >
          {(item: Item) => {
            if (item.kind === 'start') {
              return (
                <p key={item.key} className="beginning">
                  {t('start')}
                </p>
              );
            }
            if (item.kind === 'day') return <DaySeparator key={item.key} at={item.at} />;
            if (item.kind === 'unread') return <UnreadDivider key={item.key} />;
            if (item.message.kind === 'group') return <Notice key={item.key} message={item.message} />;
            return (
              <Bubble
                key={item.key}
                message={item.message}
                conversation={conversation}
                startsGroup={item.startsGroup}
                found={item.message.id === shownAround}
                own={item.own}
                changing={waiting?.has(item.message.id) ?? false}
                onWrite={onWrite}
                onShow={setFull}
              />
            );
          }}
        </Virtualizer>
      </div>
      <Announcer messages={messages} />
      {full && <FullPicture message={full} onClose={() => setFull(null)} />}
      {!atEnd && (
        <button type="button" className="to-end icon-button" aria-label={t('toBottom')} onClick={toNewest}>
          <Icon name="down" />
          {conversation.unread > 0 && <span className="badge">{conversation.unread}</span>}
        </button>
      )}
    </div>
  );
}
