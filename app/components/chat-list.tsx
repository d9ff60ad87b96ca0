'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useState } from 'react';
import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { useHash } from '../hooks/use-hash';
import { useConversations } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { usePresence } from '../hooks/use-presence';
import { ChatRow } from './chat-row';
import { ConnectionLine } from './connection-line';
import { Icon } from './icons';
import { RecoveryReminder } from './recovery';

export function ChatList() {
  const t = useTranslations();
  const names = useNames();
  const conversations = useConversations();
  const presenceOf = usePresence();
  const pathname = usePathname();
  const open = useHash();
  const [search, setSearch] = useState('');
  const needle = search.trim().toLocaleLowerCase();
  const shown = (conversations ?? []).filter((row) =>
    names.conversation(row).toLocaleLowerCase().includes(needle),
  );
  const requests = shown.filter((row) => row.myState === 'requested');
  const others = shown.filter((row) => row.myState !== 'requested');
  const rows = (list: ConversationRow[]) => (
    <ul>
      {list.map((row) => (
        <ChatRow
          key={row.conversationId}
          conversation={row}
          name={names.conversation(row)}
          face={names.face(row)}
          me={names.me?.userId ?? ''}
          online={row.kind === 'direct' && presenceOf(names.other(row)).state === 'online'}
          current={(pathname === '/c' || pathname === '/group') && open === row.conversationId}
        />
      ))}
    </ul>
  );

  return (
    <nav className="list" aria-label={t('nav.chats')}>
      <header className="bar">
        <h1 className="brand">{t('app.name')}</h1>
        <Link className="icon-button" href="/settings" aria-label={t('nav.settings')}>
          <Icon name="settings" />
        </Link>
        <Link className="icon-button accent" href="/new" aria-label={t('nav.new')}>
          <Icon name="plus" />
        </Link>
      </header>
      <label className="search">
        <span className="visually-hidden">{t('list.search')}</span>
        <Icon name="search" />
        <input
          type="search"
          value={search}
          placeholder={t('list.search')}
          onChange={(event) => setSearch(event.target.value)}
        />
      </label>
      <ConnectionLine />
      <RecoveryReminder />
      <div className="rows">
        {requests.length > 0 && (
          <section aria-label={t('list.requests')}>
            <h2>{t('list.requests')}</h2>
            {rows(requests)}
          </section>
        )}
        {others.length > 0 && rows(others)}
        {conversations && conversations.length === 0 && (
          <div className="hint">
            <strong>{t('list.empty')}</strong>
            <p>{t('list.emptyHint')}</p>
            <Link className="button primary" href="/new">
              {t('nav.new')}
            </Link>
          </div>
        )}
        {conversations && conversations.length > 0 && shown.length === 0 && (
          <p className="hint">{t('list.none')}</p>
        )}
      </div>
    </nav>
  );
}
