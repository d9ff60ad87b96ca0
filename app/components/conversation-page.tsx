'use client';

import Link from 'next/link';
import { useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import type { ConversationRow, MessageRow } from '../../lib/client/db';
import { unblock } from '../../lib/client/intents';
import { author } from '../hooks/author';
import { useHash, useHashMessage } from '../hooks/use-hash';
import { useConversation, useIdentity } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { usePictureIntake } from '../hooks/use-pictures';
import { usePresence } from '../hooks/use-presence';
import { AlertOffer } from './alert-offer';
import { Avatar } from './avatar';
import { Composer } from './composer';
import { ConversationSearch } from './conversation-search';
import { Icon } from './icons';
import { IdentityBanner } from './identity-banner';
import { MessageList } from './message-list';
import { Refusals } from './refusals';
import { RequestBanner } from './request-banner';
import { Standing } from './standing';

/**
 * What the composer is about: a new message (with the text of one taken back), an answer, or a change of one's own
 * (with the new text, where there was no room for it).
 */
export type Writing =
  | { mode: 'new'; takenBack?: string }
  | { mode: 'reply'; message: MessageRow }
  | { mode: 'edit'; message: MessageRow; changed?: string };

export function Conversation() {
  const id = useHash();
  const conversation = useConversation(id);
  const t = useTranslations();
  if (conversation === undefined) return <main className="page" id="content" aria-busy="true" />;
  if (conversation === null) {
    return (
      <main className="page empty" id="content">
        <p>{t('conversation.missing')}</p>
        <Link className="button" href="/">
          {t('notFound.home')}
        </Link>
      </main>
    );
  }
  return <Open key={id} conversation={conversation} />;
}

function Open({ conversation }: { conversation: ConversationRow }) {
  const t = useTranslations();
  const names = useNames();
  const target = useHashMessage();
  const [searching, setSearching] = useState(false);
  const searchButton = useRef<HTMLButtonElement>(null);
  const [writing, setWriting] = useState<Writing>({ mode: 'new' });
  const intake = usePictureIntake(conversation.conversationId);
  const lastOwn = useRef<MessageRow | undefined>(undefined);
  const name = names.conversation(conversation);
  const other = conversation.kind === 'direct' ? names.other(conversation) : null;
  const online = usePresence()(other ?? '').state === 'online';
  const identity = useIdentity(other ?? '');
  const verified = identity?.verification != null && identity.changedTo === null;
  return (
    <main
      className="page conversation"
      id="content"
      onDragOver={(event) => {
        // Else the browser would leave the app for the picture.
        if (event.dataTransfer.types.includes('Files')) event.preventDefault();
      }}
      onDrop={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        if (conversation.myState === 'active' && writing.mode !== 'edit')
          intake.take(event.dataTransfer.files);
      }}
    >
      <header className="bar">
        <Link className="icon-button only-narrow" href="/" aria-label={t('nav.back')}>
          <Icon name="back" />
        </Link>
        <Link className="who" href={`/group#${conversation.conversationId}`}>
          <Avatar id={names.face(conversation)} name={name} online={online} />
          <span className="who-text">
            <h1>
              {name}
              {verified && (
                <span role="img" className="verified" aria-label={t('safety.tag')}>
                  <Icon name="shield" />
                </span>
              )}
            </h1>
            <Standing conversation={conversation} />
          </span>
        </Link>
        <button
          type="button"
          ref={searchButton}
          className="icon-button"
          aria-label={t('search.within')}
          aria-expanded={searching}
          onClick={() => setSearching(!searching)}
        >
          <Icon name="search" />
        </button>
        <Link
          className="icon-button"
          href={`/group#${conversation.conversationId}`}
          aria-label={t('nav.details')}
        >
          <Icon name="info" />
        </Link>
      </header>
      {searching && (
        <ConversationSearch
          conversationId={conversation.conversationId}
          onClose={() => {
            setSearching(false);
            searchButton.current?.focus();
          }}
        />
      )}
      <MessageList conversation={conversation} target={target} lastOwn={lastOwn} onWrite={setWriting} />
      <Refusals conversationId={conversation.conversationId} onWrite={setWriting} />
      <AlertOffer conversation={conversation} name={name} />
      <IdentityBanner conversation={conversation} />
      {conversation.myState === 'requested' && <RequestBanner conversation={conversation} />}
      {conversation.myState === 'active' && (
        <Composer
          conversation={conversation}
          writing={writing}
          lastOwn={lastOwn}
          onDone={() => setWriting({ mode: 'new' })}
          onEdit={setWriting}
          intake={intake}
        />
      )}
      {(conversation.myState === 'left' || conversation.myState === 'blocked') && (
        <div className="ended">
          <p>{t(`conversation.${conversation.myState}`)}</p>
          {conversation.myState === 'blocked' && other && (
            <button
              type="button"
              className="button"
              onClick={() => void unblock(author, conversation.conversationId, other)}
            >
              {t('blocked.unblock')}
            </button>
          )}
        </div>
      )}
    </main>
  );
}
