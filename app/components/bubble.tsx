'use client';

import { useState } from 'react';
import { useFormatter, useTranslations } from 'use-intl';
import { cancel, retry } from '../../lib/client/change-intents';
import type { ConversationRow, MessageRow } from '../../lib/client/db';
import { react } from '../../lib/client/intents';
import { markOf } from '../../lib/client/queries';
import { author } from '../hooks/author';
import { useMessage } from '../hooks/use-live';
import { useLongPress } from '../hooks/use-long-press';
import { useNames } from '../hooks/use-names';
import type { Writing } from './conversation-page';
import { Icon, type IconName } from './icons';
import { MessageMenu } from './message-menu';
import { Picture } from './picture';

interface Props {
  message: MessageRow;
  conversation: ConversationRow;
  own: boolean;
  /** An edit, a deletion or a reaction of one's own waits to be sent. */
  changing: boolean;
  startsGroup: boolean;
  /** It was searched for. */
  found: boolean;
  onWrite: (writing: Writing) => void;
  /** Its picture is to have the whole screen. */
  onShow: (message: MessageRow) => void;
}

export function Bubble({ message, conversation, own, changing, startsGroup, found, onWrite, onShow }: Props) {
  const t = useTranslations('message');
  const format = useFormatter();
  const names = useNames();
  const [menu, setMenu] = useState(false);
  const [unfolded, setUnfolded] = useState(false);
  const readable = message.kind === 'text' && !message.deleted;
  const press = useLongPress(() => readable && setMenu(true));
  const showName = startsGroup && !own && conversation.kind === 'group';
  const text = () => {
    if (message.deleted) return t('deleted');
    if (message.kind === 'sealed' || message.kind === 'invalid') return t(message.kind);
    return message.body;
  };
  // In a group one cannot keep the others from hearing them; here they are not heard unasked.
  if (names.isBlocked(message.senderId) && conversation.kind === 'group' && !unfolded) {
    return (
      <p className="notice-line">
        <span>
          {t('blocked')}{' '}
          <button type="button" className="link" onClick={() => setUnfolded(true)}>
            {t('show')}
          </button>
        </span>
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the menu has a button of its own; this is its shortcut.
    <div
      className={`bubble-line ${own ? 'own' : 'theirs'} ${startsGroup ? 'starts' : ''} ${found ? 'found' : ''}`}
      data-message={message.id}
      {...press}
      onContextMenu={(event) => {
        if (!readable) return;
        event.preventDefault();
        setMenu(true);
      }}
    >
      <div className="bubble-column">
        {showName && <span className="sender">{names.person(message.senderId)}</span>}
        <div
          className={`bubble ${readable ? '' : 'unreadable'} ${message.picture && readable ? 'pictured' : ''}`}
        >
          {message.replyTo && readable && <Quote id={message.replyTo} />}
          {message.picture && readable && (
            <Picture
              message={message}
              unasked={conversation.myState !== 'requested'}
              onShow={() => onShow(message)}
            />
          )}
          {text() !== '' && <p className="body">{text()}</p>}
          <span className="meta">
            {message.editSeq > 0 && readable && <span>{t('edited')}</span>}
            <time dateTime={new Date(message.at).toISOString()}>
              {format.dateTime(message.at, { hour: 'numeric', minute: '2-digit' })}
            </time>
            {changing && (
              <span className="status queued" role="img" aria-label={t('changing')} title={t('changing')}>
                <Icon name="clock" />
              </span>
            )}
            {own && <Status message={message} conversation={conversation} />}
          </span>
        </div>
        <Reactions message={message} me={names.me?.userId ?? ''} />
        {message.status === 'failed' && <Failed message={message} onWrite={onWrite} />}
      </div>
      {readable && <MessageMenu message={message} own={own} open={menu} onOpen={setMenu} onWrite={onWrite} />}
    </div>
  );
}

function Quote({ id }: { id: string }) {
  const t = useTranslations('message');
  const names = useNames();
  const quoted = useMessage(id);
  return (
    <blockquote className="quote">
      <strong>{quoted ? names.person(quoted.senderId) : '…'}</strong>
      <span>{quoted?.deleted ? t('deleted') : quoted?.body || (quoted?.picture ? t('picture') : '')}</span>
    </blockquote>
  );
}

function Status({ message, conversation }: { message: MessageRow; conversation: ConversationRow }) {
  const t = useTranslations('message');
  const state =
    message.status === 'queued' || message.status === 'failed'
      ? message.status
      : markOf(conversation, message);
  const icons: Record<typeof state, IconName> = {
    queued: 'clock',
    failed: 'alert',
    sent: 'check',
    delivered: 'checks',
    read: 'checks',
  };
  return (
    <span className={`status ${state}`} role="img" aria-label={t(state)} title={t(state)}>
      <Icon name={icons[state]} />
    </span>
  );
}

function Reactions({ message, me }: { message: MessageRow; me: string }) {
  const t = useTranslations('message');
  const counts = new Map<string, number>();
  for (const { emoji } of Object.values(message.reactions)) {
    if (emoji) counts.set(emoji, (counts.get(emoji) ?? 0) + 1);
  }
  if (counts.size === 0) return null;
  const mine = message.reactions[me]?.emoji;
  return (
    <div className="reactions">
      {[...counts].map(([emoji, count]) => (
        <button
          type="button"
          key={emoji}
          className="reaction"
          aria-pressed={emoji === mine}
          aria-label={t('reactions', { emoji, count })}
          onClick={() => void react(author, message, emoji === mine ? null : emoji)}
        >
          {emoji}
          {count > 1 && <span>{count}</span>}
        </button>
      ))}
    </div>
  );
}

function Failed({ message, onWrite }: { message: MessageRow; onWrite: Props['onWrite'] }) {
  const t = useTranslations();
  const takeBack = async () => {
    const takenBack = await cancel(author, message.id);
    if (takenBack) onWrite({ mode: 'new', takenBack });
  };
  return (
    <div className="failed" role="alert">
      <span>{message.failure ? t(`errors.${message.failure}`) : t('message.failed')}</span>
      {!message.deleted && (
        <button type="button" className="link" onClick={() => void retry(author, message.id)}>
          {t('message.retry')}
        </button>
      )}
      <button type="button" className="link" onClick={() => void takeBack()}>
        {t('message.cancel')}
      </button>
    </div>
  );
}
