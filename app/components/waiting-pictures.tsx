'use client';

import { useTranslations } from 'use-intl';
import type { PictureRow } from '../../lib/client/db';
import { removePicture } from '../../lib/client/pictures';
import { author } from '../hooks/author';
import { type PictureIntake, usePictureUrl } from '../hooks/use-pictures';
import { Icon } from './icons';

/** The pictures that go with the next message, and what has become of those that were chosen. */
export function WaitingPictures(props: {
  pictures: PictureRow[];
  intake?: PictureIntake;
  onRemoved?: () => void;
}) {
  const { pictures, intake, onRemoved } = props;
  const t = useTranslations('pictures');
  const { problem = null, busy = 0 } = intake ?? {};
  return (
    <>
      {problem && (
        <p className="notice bad" role="alert">
          {t(problem)}
        </p>
      )}
      {(pictures.length > 0 || busy > 0) && (
        <ul className="waiting-pictures" aria-label={t('waiting')}>
          {pictures.map((picture, place) => (
            <Waiting key={picture.id} picture={picture} place={place + 1} onRemoved={onRemoved} />
          ))}
          {busy > 0 && (
            <li className="preparing" role="status">
              {t('preparing', { count: busy })}
            </li>
          )}
        </ul>
      )}
    </>
  );
}

function Waiting(props: { picture: PictureRow; place: number; onRemoved: (() => void) | undefined }) {
  const { picture, place, onRemoved } = props;
  const t = useTranslations('pictures');
  const url = usePictureUrl(picture);
  return (
    <li>
      {url && <img src={url} width={picture.width} height={picture.height} alt={t('numbered', { place })} />}
      <button
        type="button"
        className="icon-button"
        aria-label={t('remove', { place })}
        onClick={() => {
          void removePicture(author, picture.id);
          onRemoved?.();
        }}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
