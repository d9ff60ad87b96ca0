'use client';

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { ConversationRow } from '../../lib/client/db';
import { markRead } from '../../lib/client/intents';
import { author } from '../hooks/author';
import { pageSize, useMessages } from '../hooks/use-messages';
import { useNames } from '../hooks/use-names';
import { Announcer } from './announcer';
import { Bubble } from './bubble';
import type { Writing } from './conversation-page';
import { Icon } from './icons';
import { type Item, layOut } from './message-layout';
import { DaySeparator, Notice, UnreadDivider } from './message-notices';

/** Closer to the end than this counts as being there. */
const atEndPx = 80;
/** Closer to the start than this, older messages are read. */
const nearStartPx = 1_200;

/** The messages, newest at the bottom. Only what is on screen is in the document; older pages load on the way up. */
export function MessageList(props: { conversation: ConversationRow; onWrite: (writing: Writing) => void }) {
  const { conversation, onWrite } = props;
  const { conversationId } = conversation;
  const t = useTranslations('conversation');
  const names = useNames();
  const [limit, setLimit] = useState(pageSize);
  const [atEnd, setAtEnd] = useState(true);
  const stick = useRef(true);
  stick.current = atEnd;
  const page = useMessages(conversationId, limit, stick);
  const messages = page?.rows;
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useRef<VirtualizerHandle>(null);
  // Where the divider stands is decided on opening: it must not run away while one reads.
  const [firstUnread] = useState(conversation.unread > 0 ? conversation.readSeq + 1 : null);
  const me = names.me?.userId ?? '';
  const items = useMemo(
    () => layOut(page?.rows ?? [], page?.whole ?? false, firstUnread, me),
    [page, firstUnread, me],
  );
  const lastKey = items.at(-1)?.key;
  const firstKey = useRef<string | undefined>(undefined);
  const prepended = firstKey.current !== undefined && items[0]?.key !== firstKey.current;
  firstKey.current = items[0]?.key;

  const toEnd = () => virtualizer.current?.scrollToIndex(items.length - 1, { align: 'end' });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last row moves the view, nothing else does.
  useLayoutEffect(() => {
    const last = messages?.at(-1);
    if (last && (atEnd || last.status === 'queued')) toEnd();
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
    setAtEnd(box.scrollHeight - offset - box.clientHeight < atEndPx);
    if (offset < nearStartPx && page?.limit === limit && !page.whole) setLimit(limit + pageSize);
  };

  return (
    <div className="messages-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <div ref={scroller} className="messages" role="log" aria-live="off" aria-label={t('log')} tabIndex={0}>
        <div className="grow" />
        <Virtualizer
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
                own={item.own}
                onWrite={onWrite}
              />
            );
          }}
        </Virtualizer>
      </div>
      <Announcer messages={messages} />
      {!atEnd && (
        <button type="button" className="to-end icon-button" aria-label={t('toBottom')} onClick={toEnd}>
          <Icon name="down" />
          {conversation.unread > 0 && <span className="badge">{conversation.unread}</span>}
        </button>
      )}
    </div>
  );
}
