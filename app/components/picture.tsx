'use client';

import { useEffect } from 'react';
import { useTranslations } from 'use-intl';
import type { MessageRow } from '../../lib/client/db';
import { isSent } from '../../lib/client/picture-rows';
import { wishPicture } from '../../lib/client/pictures';
import { author } from '../hooks/author';
import { usePicture, usePictureUrl } from '../hooks/use-pictures';

/**
 * A message's picture. Until it is here its stand-in keeps its place; one that is not here is asked for.
 * @param unasked false: only when somebody says so, since it is a stranger's
 */
export function Picture(props: { message: MessageRow; unasked: boolean; onShow: () => void }) {
  const { message, unasked, onShow } = props;
  const { picture } = message;
  const t = useTranslations('pictures');
  const row = usePicture(message.id);
  const url = usePictureUrl(row);
  const missing = row === null && isSent(picture);
  useEffect(() => {
    if (missing && unasked) void wishPicture(author, message.id);
  }, [missing, unasked, message.id]);
  if (!picture) return null;
  const { width, height } = picture;
  const alt = message.body || t('picture');
  if (url) {
    return (
      <button type="button" className="picture" aria-label={t('open', { text: alt })} onClick={onShow}>
        <img src={url} width={width} height={height} alt="" />
      </button>
    );
  }
  const lost = row && row.state !== 'here' ? row.state : null;
  const asked = !missing || unasked;
  return (
    <span className="picture">
      {/* Not even that of what a stranger sends. */}
      <StandIn picture={asked ? picture : { ...picture, standIn: '' }} alt={alt} />
      {(missing || lost) && (
        <span className="picture-state">
          {(lost || asked) && t(lost ?? 'loading')}
          {(lost || !asked) && (
            <button type="button" className="link" onClick={() => void wishPicture(author, message.id)}>
              {t(lost ? 'again' : 'show')}
            </button>
          )}
        </span>
      )}
    </span>
  );
}

function StandIn({ picture, alt }: { picture: NonNullable<MessageRow['picture']>; alt: string }) {
  const { type, standIn, width, height } = picture;
  if (standIn === '')
    return (
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={alt} />
    );
  const source = `data:${type};base64,${standIn}`;
  return <img className="stand-in" src={source} width={width} height={height} alt={alt} />;
}
