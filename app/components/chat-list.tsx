'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import { Virtualizer } from 'virtua';
import type { ConversationRow } from '../../lib/client/db';
import { findWord, fold, wordsOf } from '../../lib/client/fold';
import type { Reminder } from '../../lib/client/recovery-intents';
import { keyRing } from '../hooks/author';
import { useConversations } from '../hooks/use-conversations';
import { useHash } from '../hooks/use-hash';
import { useProtected } from '../hooks/use-lock';
import { useNames } from '../hooks/use-names';
import { usePresence } from '../hooks/use-presence';
import { endSearch, findsStep, prepareSearch, useSearch } from '../hooks/use-search';
import { ChatRow } from './chat-row';
import { ConnectionLine } from './connection-line';
import { Icon } from './icons';
import { InstallOffer } from './install-offer';
import { RecoveryReminder } from './recovery';
import { SearchHits } from './search-hits';

export function ChatList({ reminder }: { reminder: Reminder }) {
  const t = useTranslations();
  const names = useNames();
  const conversations = useConversations();
  const presenceOf = usePresence();
  const pathname = usePathname();
  const open = useHash();
  const scroller = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useState('');
  // The shortcut of the installed app.
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (open === 'search') box.current?.focus();
  }, [open]);
  const [limit, setLimit] = useState(findsStep);
  // There is a list as long as there is a session.
  useEffect(() => endSearch, []);
  const found = useSearch(search, null, limit);
  const byId = useMemo(
    () => new Map((conversations ?? []).map((row) => [row.conversationId, row])),
    [conversations],
  );
  const sought = search.trim() !== '';
  // Once for all letters that are typed.
  const called = useMemo(
    () =>
      sought
        ? (conversations ?? []).map((row) => ({
            row,
            text: fold(`${names.conversation(row)} ${names.handle(names.other(row))}`),
          }))
        : [],
    [conversations, names, sought],
  );
  const shown = useMemo(() => {
    if (!sought) return conversations ?? [];
    const words = wordsOf(search);
    return called.flatMap(({ row, text }) => (words.every((word) => findWord(text, word) >= 0) ? [row] : []));
  }, [conversations, called, search, sought]);
  const requests = shown.filter((row) => row.myState === 'requested');
  const others = shown.filter((row) => row.myState !== 'requested');
  const minute = Math.floor(Date.now() / 60_000);
  const rows = (list: ConversationRow[]) => (
    <Virtualizer scrollRef={scroller} data={list} as="ul" item="li">
      {(row: ConversationRow) => (
        <ChatRow
          key={row.conversationId}
          conversation={row}
          name={names.conversation(row)}
          face={names.face(row)}
          me={names.me?.userId ?? ''}
          isBlocked={names.isBlocked}
          online={row.kind === 'direct' && presenceOf(names.other(row)).state === 'online'}
          minute={minute}
          current={(pathname === '/c' || pathname === '/group') && open === row.conversationId}
        />
      )}
    </Virtualizer>
  );
  const nothing = sought && shown.length === 0 && found?.hits.length === 0;

  return (
    <nav className="list" aria-label={t('nav.chats')}>
      <Head />
      <label className="search">
        <span className="visually-hidden">{t('list.search')}</span>
        <Icon name="search" />
        <input
          ref={box}
          type="search"
          value={search}
          placeholder={t('list.search')}
          onFocus={prepareSearch}
          onChange={(event) => {
            setSearch(event.target.value);
            setLimit(findsStep);
            if (scroller.current) scroller.current.scrollTop = 0;
          }}
        />
      </label>
      {!sought && <RecoveryReminder reminder={reminder} />}
      {!sought && reminder === 'no' && <InstallOffer />}
      <p className="visually-hidden" role="status">
        {found && t('search.count', { count: found.hits.length })}
      </p>
      <div className="rows" ref={scroller} data-found={found?.text}>
        {requests.length > 0 && (
          <section aria-label={t('list.requests')}>
            <h2>{t('list.requests')}</h2>
            {rows(requests)}
          </section>
        )}
        {others.length > 0 &&
          (sought ? (
            <section aria-label={t('search.chats')}>
              <h2>{t('search.chats')}</h2>
              {rows(others)}
            </section>
          ) : (
            rows(others)
          ))}
        {found && found.hits.length > 0 && (
          <section aria-label={t('search.messages')}>
            <h2>{t('search.messages')}</h2>
            <SearchHits result={found} conversations={byId} onMore={() => setLimit(limit + findsStep)} />
          </section>
        )}
        {conversations && conversations.length === 0 && (
          <div className="hint">
            <strong>{t('list.empty')}</strong>
            <p>{t('list.emptyHint')}</p>
            <Link className="button primary" href="/new">
              {t('nav.new')}
            </Link>
          </div>
        )}
        {conversations && conversations.length > 0 && nothing && (
          <p className="hint">{t('search.nothing', { text: search.trim() })}</p>
        )}
      </div>
      <ConnectionLine />
    </nav>
  );
}

const Head = memo(function Head() {
  const t = useTranslations();
  const isProtected = useProtected();
  return (
    <header className="bar">
      <h1 className="brand">{t('app.name')}</h1>
      {isProtected && (
        <button
          type="button"
          className="icon-button"
          aria-label={t('lock.now')}
          onClick={() => keyRing().lock()}
        >
          <Icon name="lock" />
        </button>
      )}
      <Link className="icon-button" href="/settings" aria-label={t('nav.settings')}>
        <Icon name="settings" />
      </Link>
      <Link className="icon-button accent" href="/new" aria-label={t('nav.new')}>
        <Icon name="plus" />
      </Link>
    </header>
  );
});
