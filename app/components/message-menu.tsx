'use client';

import { useEffect, useLayoutEffect, useRef } from 'react';
import { useTranslations } from 'use-intl';
import { cancel, deleteMessage } from '../../lib/client/change-intents';
import type { MessageRow } from '../../lib/client/db';
import { react } from '../../lib/client/intents';
import { author } from '../hooks/author';
import { useMayCancel } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import type { Writing } from './conversation-page';
import { Icon } from './icons';

const emojis = ['👍', '❤️', '😂', '😮', '😢', '🙏', '🎉', '👏'];

/** What can be done with a message: by its button, a right click or a long press. */
export function MessageMenu(props: {
  message: MessageRow;
  own: boolean;
  open: boolean;
  onOpen: (open: boolean) => void;
  onWrite: (writing: Writing) => void;
}) {
  const { message, own, open, onOpen, onWrite } = props;
  const t = useTranslations('message');
  const me = useNames().me?.userId ?? '';
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const anchor = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    panel.current?.querySelector('button')?.focus();
    const outside = (event: Event) => {
      if (event.target instanceof Node && !anchor.current?.contains(event.target)) onOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [open, onOpen]);

  // Above its button where there is room, below it otherwise, and never beyond the pane's edges.
  useLayoutEffect(() => {
    const box = panel.current;
    const pane = box?.closest('.messages')?.getBoundingClientRect();
    if (!open || !box || !pane) return;
    const at = box.getBoundingClientRect();
    const right = Math.max(0, pane.left + 8 - at.left) - Math.max(0, at.right - pane.right + 8);
    const down = at.top < pane.top ? Math.min(at.height + 44, Math.max(0, pane.bottom - 8 - at.bottom)) : 0;
    box.style.translate = `${right}px ${down}px`;
  }, [open]);

  const close = () => {
    onOpen(false);
    button.current?.focus({ preventScroll: true });
  };
  const choose = (action: () => void) => () => {
    close();
    action();
  };
  // The button goes with the text.
  const leave = () => {
    onOpen(false);
    anchor.current?.closest<HTMLElement>('.messages')?.focus({ preventScroll: true });
  };
  const remove = () => {
    leave();
    void deleteMessage(author, message);
  };
  const mine = message.reactions[me]?.emoji;
  return (
    <div ref={anchor} className="menu-anchor">
      <button
        ref={button}
        type="button"
        className="icon-button quiet menu-button"
        aria-label={t('menu')}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => onOpen(!open)}
      >
        <Icon name="more" />
      </button>
      {open && (
        <div
          ref={panel}
          className="menu"
          role="dialog"
          aria-label={t('menu')}
          onKeyDown={(event) => {
            if (event.key === 'Escape') {
              event.stopPropagation();
              close();
            }
          }}
        >
          <div className="menu-emojis">
            {emojis.map((emoji) => (
              <button
                type="button"
                key={emoji}
                aria-pressed={emoji === mine}
                aria-label={emoji === mine ? t('unreact', { emoji }) : t('react', { emoji })}
                onClick={choose(() => void react(author, message, emoji === mine ? null : emoji))}
              >
                {emoji}
              </button>
            ))}
          </div>
          <button type="button" onClick={choose(() => onWrite({ mode: 'reply', message }))}>
            {t('reply')}
          </button>
          {message.body !== '' && (
            <button type="button" onClick={choose(() => void navigator.clipboard.writeText(message.body))}>
              {t('copy')}
            </button>
          )}
          {own && (
            <button type="button" onClick={choose(() => onWrite({ mode: 'edit', message }))}>
              {t('edit')}
            </button>
          )}
          {message.status === 'queued' && <TakeBack message={message} onChoose={leave} onWrite={onWrite} />}
          {own && (
            <button type="button" className="danger" onClick={remove}>
              {t('delete')}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** Only while nothing of it can have left. It keeps its place, by which the menu was laid out. */
function TakeBack(props: { message: MessageRow; onChoose: () => void; onWrite: (writing: Writing) => void }) {
  const { message, onChoose, onWrite } = props;
  const t = useTranslations('message');
  const possible = useMayCancel(message.id);
  const takeBack = async () => {
    onChoose();
    const takenBack = await cancel(author, message.id);
    if (takenBack) onWrite({ mode: 'new', takenBack });
  };
  return (
    <button type="button" disabled={!possible} onClick={() => void takeBack()}>
      {t('cancel')}
    </button>
  );
}
