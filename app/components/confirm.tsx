'use client';

import { useEffect, useRef } from 'react';
import { useTranslations } from 'use-intl';

/** Asks before what cannot be taken back. The browser's own modal dialog keeps focus and Escape right. */
export function Confirm(props: { question: string; onAnswer: (yes: boolean) => void }) {
  const t = useTranslations('settings');
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="confirm"
      aria-label={props.question}
      onCancel={(event) => {
        event.preventDefault();
        props.onAnswer(false);
      }}
    >
      <p>{props.question}</p>
      <div className="choices">
        <button type="button" className="button" onClick={() => props.onAnswer(false)}>
          {t('cancel')}
        </button>
        <button type="button" className="button danger" onClick={() => props.onAnswer(true)}>
          {t('confirm')}
        </button>
      </div>
    </dialog>
  );
}
