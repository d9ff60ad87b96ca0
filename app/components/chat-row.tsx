'use client';

import { useFormatter, useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { Avatar } from './avatar';
import { ConversationLink } from './conversation-link';

const dayMs = 24 * 3600 * 1000;

export function ChatRow(props: {
  conversation: ConversationRow;
  name: string;
  face: string;
  me: string;
  current: boolean;
  online: boolean;
}) {
  const { conversation, name, face, me, current, online } = props;
  const t = useTranslations('list');
  const presence = useTranslations('presence');
  const format = useFormatter();
  const { preview } = conversation;
  const time = (at: number) =>
    Date.now() - at < dayMs
      ? format.dateTime(at, { hour: 'numeric', minute: '2-digit' })
      : format.dateTime(at, { day: 'numeric', month: 'short' });
  const text = () => {
    if (!preview) return '';
    if (preview.kind === 'group') return t('group');
    if (preview.kind !== 'text') return t('sealed');
    const said = preview.text || t('deleted');
    return preview.senderId === me ? t('you', { text: said }) : said;
  };
  return (
    <li>
      <ConversationLink className="row" conversationId={conversation.conversationId} current={current}>
        <Avatar id={face} name={name} online={online} />
        <span className="row-text">
          <span className="row-top">
            <span className="row-name">{name}</span>
            {online && <span className="visually-hidden">{presence('online')}</span>}
            {preview && <time dateTime={new Date(preview.at).toISOString()}>{time(preview.at)}</time>}
          </span>
          <span className="row-bottom">
            <span className="row-preview">{text()}</span>
            {conversation.unread > 0 && (
              <span className="badge">
                <span aria-hidden="true">{conversation.unread > 99 ? '99+' : conversation.unread}</span>
                <span className="visually-hidden">{t('unread', { count: conversation.unread })}</span>
              </span>
            )}
          </span>
        </span>
      </ConversationLink>
    </li>
  );
}
