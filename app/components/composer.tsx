'use client';

import {
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { useTranslations } from 'use-intl';
import { editMessage } from '../../lib/client/change-intents';
import type { ConversationRow, MessageRow, PictureRow } from '../../lib/client/db';
import { tellActivity } from '../../lib/client/device-intents';
import { saveDraft } from '../../lib/client/intents';
import type { Said, Typed } from '../../lib/client/last-words';
import { sendWritten } from '../../lib/client/pictures';
import { limits } from '../../lib/protocol/limits';
import { author } from '../hooks/author';
import { holdUnsaved, untilStored } from '../hooks/last-words';
import { useNames } from '../hooks/use-names';
import { type PictureIntake, useWaitingPictures } from '../hooks/use-pictures';
import { ChoosePictures, imagesOf } from './choose-pictures';
import type { Writing } from './conversation-page';
import { Icon } from './icons';
import { WaitingPictures } from './waiting-pictures';

/** Always the same, so that nothing is drawn anew for it. */
const none: PictureRow[] = [];
const typingEveryMs = 3_000;
const draftAfterMs = 400;

export function Composer(props: {
  conversation: ConversationRow;
  writing: Writing;
  /** The last text of one's own that is shown: the key up takes it up. */
  lastOwn: RefObject<MessageRow | undefined>;
  onDone: () => void;
  onEdit: (writing: Writing) => void;
  intake: PictureIntake;
}) {
  const { conversation, writing, lastOwn, onDone, onEdit, intake } = props;
  const { conversationId } = conversation;
  const t = useTranslations('composer');
  const message = useTranslations('message');
  const names = useNames();
  const beside = useWaitingPictures(conversationId) ?? none;
  // A change of an old message leaves them where they are.
  const pictures = writing.mode === 'edit' ? none : beside;
  const preparing = writing.mode !== 'edit' && intake.busy > 0;
  const [draft, setDraft] = useState(conversation.draft);
  const [changed, setChanged] = useState('');
  // A change of an old message leaves the draft of a new one alone.
  const [text, setText] = writing.mode === 'edit' ? [changed, setChanged] : [draft, setDraft];
  // Taken over while rendering, so that no key falls between the change and its text.
  const [taken, setTaken] = useState(writing);
  if (taken !== writing) {
    setTaken(writing);
    if (writing.mode === 'edit') setChanged(writing.changed ?? writing.message.body);
    else if (writing.mode === 'new' && writing.takenBack) {
      setDraft(draft ? `${writing.takenBack}\n${draft}` : writing.takenBack);
    }
  }
  const box = useRef<HTMLTextAreaElement>(null);
  const told = useRef(0);

  useEffect(() => {
    // Opening a conversation must not raise a keyboard over it on a touch screen.
    if (writing.mode !== 'new' || writing.takenBack || matchMedia('(pointer: fine)').matches)
      box.current?.focus();
  }, [writing]);

  // Drafts are saved a moment after the last key, and at once when the conversation is left.
  const latest = useRef(draft);
  latest.current = draft;
  /** What the database may hold: the last that certainly is there, and those on their way to it. */
  const drafts = useRef([{ draft }]);
  const storing = useRef<Promise<void>>(Promise.resolve());
  const store = useCallback(
    (text: string) => {
      const stored = { draft: text };
      drafts.current.push(stored);
      storing.current = saveDraft(author, conversationId, text).then(
        () => {
          drafts.current = drafts.current.slice(Math.max(0, drafts.current.indexOf(stored)));
        },
        (error: unknown) => {
          drafts.current = drafts.current.filter((one) => one !== stored);
          throw error;
        },
      );
      return storing.current;
    },
    [conversationId],
  );
  /** Resolves when the last of what was typed is stored. */
  const save = useCallback(
    () => (latest.current === drafts.current.at(-1)?.draft ? storing.current : store(latest.current)),
    [store],
  );
  const changing = useRef('');
  changing.current = writing.mode === 'edit' && changed !== writing.message.body ? changed : '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change starts the wait anew.
  useEffect(() => {
    const timer = setTimeout(() => void save(), draftAfterMs);
    return () => clearTimeout(timer);
  }, [draft, save]);
  // Before the conversation is left, or the page is loaded anew for another version; a change of an old message that
  // was begun becomes a draft.
  useEffect(() => {
    const saveAll = () => {
      latest.current = [latest.current, changing.current].filter(Boolean).join('\n');
      changing.current = '';
      return save();
    };
    const held = (): Typed | null => {
      const draft = [latest.current, changing.current].filter(Boolean).join('\n');
      const over = drafts.current.map((one) => one.draft);
      if (over.every((one) => one === draft)) return null;
      return { kind: 'draft', conversationId, draft, over };
    };
    const release = holdUnsaved({ save: saveAll, held });
    // The page may go before it is stored.
    return () => void saveAll().finally(release);
  }, [save, conversationId]);
  // What was written on another device or tab appears here, unless something was typed here meanwhile.
  useEffect(() => {
    if (drafts.current.some((one) => one.draft !== latest.current)) return;
    drafts.current = [{ draft: conversation.draft }];
    setDraft(conversation.draft);
  }, [conversation.draft]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text.
  useLayoutEffect(() => {
    const fitText = () => {
      const area = box.current;
      if (!area) return;
      area.style.height = 'auto';
      area.style.height = `${Math.min(area.scrollHeight, 200)}px`;
    };
    fitText();
    // A phone that is turned breaks the lines elsewhere.
    addEventListener('resize', fitText);
    return () => removeEventListener('resize', fitText);
  }, [text]);

  const send = () => {
    const body = text.trim();
    if ((!body && pictures.length === 0) || body.length > limits.textMaxLength || preparing) return;
    if (writing.mode === 'edit') {
      if (!body) return;
      const { message } = writing;
      // No room for it: as below.
      changing.current = '';
      const over = message.body;
      const change: Said = { conversationId, kind: 'edit', messageId: message.id, body, over };
      void untilStored(change, editMessage(author, message, body)).catch((error: unknown) => {
        onEdit({ mode: 'edit', message, changed: body });
        throw error;
      });
    } else {
      const replyTo = writing.mode === 'reply' ? writing.message.id : null;
      const messageId = author.newId();
      const words: Said = { conversationId, kind: 'text', messageId, body, replyTo };
      const stored = sendWritten(author, conversationId, body, replyTo, messageId);
      const kept = body ? untilStored(words, stored) : stored;
      // No room for it: the text is given back, and the failure goes on to where it is told.
      void kept.catch((error: unknown) => {
        setDraft((now) => (now ? `${body}\n${now}` : body));
        throw error;
      });
      setDraft('');
      latest.current = '';
      void store('');
    }
    onDone();
    box.current?.focus();
  };
  const keyed = (event: KeyboardEvent) => {
    // A key that ends a composition (an accent, a kana) belongs to it.
    if (event.nativeEvent.isComposing) return;
    const touch = matchMedia('(pointer: coarse)').matches;
    if (event.key === 'Enter' && !event.shiftKey && !touch) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && writing.mode !== 'new') {
      onDone();
    } else if (event.key === 'ArrowUp' && text === '' && lastOwn.current) {
      event.preventDefault();
      onEdit({ mode: 'edit', message: lastOwn.current });
    }
  };
  const toField = () => box.current?.focus();
  const tooLong = text.length > limits.textMaxLength;
  const empty = !text.trim() && pictures.length === 0;
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
            <span className="row-preview">
              {writing.message.body || (writing.message.picture ? message('picture') : '')}
            </span>
          </span>
          <button type="button" className="icon-button" aria-label={t('stop')} onClick={onDone}>
            <Icon name="close" />
          </button>
        </div>
      )}
      {tooLong && (
        <p className="notice bad" role="alert">
          {t('tooLong')}
        </p>
      )}
      {writing.mode !== 'edit' && <WaitingPictures pictures={pictures} intake={intake} onRemoved={toField} />}
      <div className="composer-line">
        {writing.mode !== 'edit' && <ChoosePictures intake={intake} onChosen={toField} />}
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
              void tellActivity(author, conversationId, 'typing');
            }
          }}
          onKeyDown={keyed}
          onPaste={({ clipboardData }) => {
            // A text that was copied from a document has a picture of itself beside it: the text is meant.
            if (writing.mode !== 'edit' && !clipboardData.types.includes('text/plain'))
              intake.take(imagesOf(clipboardData.files));
          }}
        />
        <button
          type="button"
          className="icon-button primary"
          aria-label={t('send')}
          disabled={empty || tooLong || preparing}
          onClick={send}
        >
          <Icon name="send" />
        </button>
      </div>
    </footer>
  );
}
