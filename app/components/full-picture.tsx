'use client';

import { useEffect, useRef } from 'react';
import { useTranslations } from 'use-intl';
import type { MessageRow } from '../../lib/client/db';
import { usePicture, usePictureUrl } from '../hooks/use-pictures';
import { Icon } from './icons';

/** The whole screen for one picture. The browser's own dialog keeps focus and Escape right. */
export function FullPicture({ message, onClose }: { message: MessageRow; onClose: () => void }) {
  const t = useTranslations('pictures');
  const dialog = useRef<HTMLDialogElement>(null);
  const url = usePictureUrl(usePicture(message.id));
  useEffect(() => dialog.current?.showModal(), []);
  const extension = message.picture?.type === 'image/jpeg' ? 'jpg' : 'webp';
  const day = new Date(message.at).toISOString().slice(0, 10);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same.
    <dialog
      ref={dialog}
      className="full-picture"
      aria-label={message.body || t('picture')}
      onClose={onClose}
      onClick={(event) => {
        // Beside the picture, as elsewhere.
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
    >
      {url && <img src={url} alt={message.body || t('picture')} />}
      <div className="full-picture-bar">
        {url && (
          <a
            className="icon-button"
            href={url}
            download={`aparte-${day}.${extension}`}
            aria-label={t('save')}
          >
            <Icon name="save" />
          </a>
        )}
        <button
          type="button"
          className="icon-button"
          aria-label={t('close')}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </div>
    </dialog>
  );
}
