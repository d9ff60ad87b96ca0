'use client';

import { useEffect, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import type { MessageRow } from '../../lib/client/db';
import { isSent } from '../../lib/client/picture-rows';
import { wishPicture } from '../../lib/client/pictures';
import { author } from '../hooks/author';
import { usePicture } from '../hooks/use-live';
import { usePictureUrl } from '../hooks/use-pictures';
import { Icon } from './icons';

/** A message's picture. Until it is here its stand-in keeps its place; one that is not here is asked for. */
export function Picture({ message }: { message: MessageRow }) {
  const { picture } = message;
  const t = useTranslations('pictures');
  const row = usePicture(message.id);
  const url = usePictureUrl(row);
  const [open, setOpen] = useState(false);
  const missing = row === null && isSent(picture);
  useEffect(() => {
    if (missing) void wishPicture(author, message.id);
  }, [missing, message.id]);
  if (!picture) return null;
  const { width, height, type, standIn } = picture;
  const alt = message.body || t('picture');
  if (url) {
    return (
      <>
        <button
          type="button"
          className="picture"
          aria-label={t('open', { text: alt })}
          onClick={() => setOpen(true)}
        >
          <img src={url} width={width} height={height} alt="" />
        </button>
        {open && <FullPicture message={message} url={url} onClose={() => setOpen(false)} />}
      </>
    );
  }
  const lost = row && row.state !== 'here' ? row.state : null;
  return (
    <span className="picture">
      <img
        className="stand-in"
        src={`data:${type};base64,${standIn}`}
        width={width}
        height={height}
        alt={alt}
      />
      <span className="picture-state" role="status">
        {t(lost ?? 'loading')}
        {lost && (
          <button type="button" className="link" onClick={() => void wishPicture(author, message.id)}>
            {t('again')}
          </button>
        )}
      </span>
    </span>
  );
}

/** The whole screen for one picture. The browser's own dialog keeps focus and Escape right. */
function FullPicture({ message, url, onClose }: { message: MessageRow; url: string; onClose: () => void }) {
  const t = useTranslations('pictures');
  const dialog = useRef<HTMLDialogElement>(null);
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
      <img src={url} alt={message.body || t('picture')} />
      <div className="full-picture-bar">
        <a className="icon-button" href={url} download={`aparte-${day}.${extension}`} aria-label={t('save')}>
          <Icon name="save" />
        </a>
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
