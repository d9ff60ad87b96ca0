'use client';

import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { editMessage, saveDraft, sendText, typing } from '../../lib/client/intents';
import { lastMessages } from '../../lib/client/queries';
import { limits } from '../../lib/protocol/limits';
import { author, db } from '../hooks/author';
import { useNames } from '../hooks/use-names';
import type { Writing } from './conversation-page';
import { Icon } from './icons';

const typingEveryMs = 3_000;
const draftAfterMs = 400;

export function Composer(props: {
  conversation: ConversationRow;
  writing: Writing;
  onDone: () => void;
  onEditLast: (writing: Writing) => void;
}) {
  const { conversation, writing, onDone, onEditLast } = props;
  const { conversationId } = conversation;
  const t = useTranslations('composer');
  const names = useNames();
  const [text, setText] = useState(conversation.draft);
  const box = useRef<HTMLTextAreaElement>(null);
  const told = useRef(0);

  useEffect(() => {
    if (writing.mode === 'edit') setText(writing.message.body);
    if (writing.mode !== 'new') box.current?.focus();
  }, [writing]);

  // Drafts are saved a moment after the last key, and at once when the conversation is left.
  const latest = useRef(text);
  latest.current = writing.mode === 'edit' ? conversation.draft : text;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change starts the wait anew.
  useEffect(() => {
    const timer = setTimeout(() => void saveDraft(author, conversationId, latest.current), draftAfterMs);
    return () => clearTimeout(timer);
  }, [text, conversationId]);
  useEffect(() => () => void saveDraft(author, conversationId, latest.current), [conversationId]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text.
  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight, 200)}px`;
  }, [text]);

  const stop = () => {
    if (writing.mode === 'edit') setText('');
    onDone();
  };
  const send = () => {
    const body = text.trim();
    if (!body || body.length > limits.textMaxLength) return;
    if (writing.mode === 'edit') void editMessage(author, writing.message, body);
    else void sendText(author, conversationId, body, writing.mode === 'reply' ? writing.message.id : null);
    setText('');
    onDone();
    box.current?.focus();
  };
  const editLast = async () => {
    const rows = await lastMessages(db, conversationId, 30);
    const mine = rows.findLast(
      (row) => row.senderId === names.me?.userId && row.kind === 'text' && !row.deleted,
    );
    if (mine) onEditLast({ mode: 'edit', message: mine });
  };
  const keyed = (event: KeyboardEvent) => {
    // A key that ends a composition (an accent, a kana) belongs to it.
    if (event.nativeEvent.isComposing) return;
    const touch = matchMedia('(pointer: coarse)').matches;
    if (event.key === 'Enter' && !event.shiftKey && !touch) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && writing.mode !== 'new') {
      stop();
    } else if (event.key === 'ArrowUp' && text === '') {
      event.preventDefault();
      void editLast();
    }
  };
  const tooLong = text.length > limits.textMaxLength;
  return (
    <footer className="composer">
      {writing.mode !== 'new' && (
        <div className="writing">
          <span>
            <strong>
              {writing.mode === 'edit'
                ? t('editing')
                : t('replying', { name: names.person(writing.message.senderId) })}
            </strong>
            <span className="row-preview">{writing.message.body}</span>
          </span>
          <button type="button" className="icon-button" aria-label={t('stop')} onClick={stop}>
            <Icon name="close" />
          </button>
        </div>
      )}
      {tooLong && (
        <p className="notice bad" role="alert">
          {t('tooLong')}
        </p>
      )}
      <div className="composer-line">
        <textarea
          ref={box}
          rows={1}
          value={text}
          aria-label={t('label')}
          placeholder={t('label')}
          onChange={(event) => {
            setText(event.target.value);
            if (event.target.value && Date.now() - told.current > typingEveryMs) {
              told.current = Date.now();
              void typing(author, conversationId);
            }
          }}
          onKeyDown={keyed}
        />
        <button
          type="button"
          className="icon-button primary"
          aria-label={t('send')}
          disabled={!text.trim() || tooLong}
          onClick={send}
        >
          <Icon name="send" />
        </button>
      </div>
    </footer>
  );
}
