'use client';

import { useRef } from 'react';
import { useTranslations } from 'use-intl';
import type { PictureIntake } from '../hooks/use-pictures';
import { Icon } from './icons';

/** Of files that were pasted, those that may be pictures. */
export const imagesOf = (files: FileList): File[] =>
  [...files].filter((file) => file.type.startsWith('image/'));

/** Opens the system's own way to choose pictures, on a phone its camera too. */
export function ChoosePictures({ intake, onChosen }: { intake: PictureIntake; onChosen: () => void }) {
  const t = useTranslations('pictures');
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        onChange={({ target }) => {
          intake.take(target.files ?? []);
          onChosen();
          // The same again is a change too.
          target.value = '';
        }}
      />
      <button
        type="button"
        className="icon-button quiet"
        aria-label={t('choose')}
        onClick={() => input.current?.click()}
      >
        <Icon name="picture" />
      </button>
    </>
  );
}
