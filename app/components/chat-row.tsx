'use client';

import { memo } from 'react';
import { useTranslations } from 'use-intl';
import { isMuted } from '../../lib/client/alert-rules';
import type { ConversationRow } from '../../lib/client/db';
import { isMeantUnread, isQuieter } from '../../lib/client/queries';
import { readOnOpening } from '../hooks/opening';
import { readAhead } from '../hooks/use-messages';
import { useWhen } from '../hooks/use-when';
import { Avatar } from './avatar';
import { ConversationLink } from './conversation-link';
import { Icon } from './icons';

/** Drawn anew when what it shows has changed: lists are drawn while somebody waits for one row of them. */
export const ChatRow = memo(function ChatRow(props: {
  conversation: ConversationRow;
  name: string;
  face: string;
  me: string;
  current: boolean;
  online: boolean;
  isBlocked: (userId: string) => boolean;
  /** Of the time, in minutes: what says when, or is muted until then, is drawn anew with it. */
  minute: number;
}) {
  const { conversation, name, face, me, current, online, isBlocked } = props;
  const t = useTranslations('list');
  const presence = useTranslations('presence');
  const when = useWhen();
  const { preview } = conversation;
  const now = Date.now();
  const text = () => {
    if (!preview) return '';
    if (preview.kind === 'group') return t('group');
    if (isBlocked(preview.senderId)) return t('blocked');
    if (preview.kind !== 'text') return t('sealed');
    const said = preview.text || (preview.picture ? t('picture') : t('deleted'));
    return preview.senderId === me ? t('you', { text: said }) : said;
  };
  return (
    <ConversationLink
      className="row"
      conversationId={conversation.conversationId}
      current={current}
      onOpen={() => {
        readOnOpening(conversation);
        readAhead(conversation.conversationId);
      }}
    >
      <Avatar id={face} name={name} online={online} />
      <span className="row-text">
        <span className="row-top">
          <span className="row-name">{name}</span>
          {isMuted(conversation, now) && (
            <span role="img" className="row-muted" aria-label={t('muted')}>
              <Icon name="muted" />
            </span>
          )}
          {online && <span className="visually-hidden">{presence('online')}</span>}
          {preview && <time dateTime={new Date(preview.at).toISOString()}>{when(preview.at)}</time>}
        </span>
        <span className="row-bottom">
          <span className="row-preview">
            {preview?.picture && !isBlocked(preview.senderId) && (
              <>
                <Icon name="picture" />
                {preview.text !== '' && <span className="visually-hidden">{t('picture')}</span>}
              </>
            )}
            {text()}
          </span>
          {isMeantUnread(conversation, isBlocked) && (
            <span
              role="img"
              className={`badge ${isMuted(conversation, now) ? 'quiet' : ''}`}
              aria-label={t('meant')}
            >
              @
            </span>
          )}
          {conversation.unread > 0 && (
            <span className={`badge ${isQuieter(conversation, now) ? 'quiet' : ''}`}>
              <span aria-hidden="true">{conversation.unread > 99 ? '99+' : conversation.unread}</span>
              <span className="visually-hidden">{t('unread', { count: conversation.unread })}</span>
            </span>
          )}
        </span>
      </span>
    </ConversationLink>
  );
});
