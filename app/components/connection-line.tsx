'use client';

import { memo } from 'react';
import { useTranslations } from 'use-intl';
import { useHistory } from '../hooks/use-live';
import { hurryEngine } from '../hooks/use-multi-device-sync';
import { type Standing, useStandingConnection } from '../hooks/use-standing-connection';

/** Says how it stands with the network, and with what is still being fetched, unless all is well. */
export const ConnectionLine = memo(function ConnectionLine() {
  const t = useTranslations();
  const standing = useStandingConnection();
  const history = useHistory();
  const online = standing.state === 'online';
  const percent =
    online && history !== undefined && history.left > 0
      ? Math.floor(100 * (1 - history.left / history.total))
      : null;
  const quiet = online && percent === null;
  return (
    <div className={`connection ${quiet ? 'quiet' : ''}`}>
      <p role="status">
        {!online && t(`connection.${standing.state}`)}
        {percent !== null && t('connection.fetching')}
      </p>
      {percent !== null && <progress max={100} value={percent} aria-label={t('connection.fetched')} />}
      <Retry standing={standing} />
    </div>
  );
});

/** Outside of what is read aloud: a countdown must not be spoken every second. */
export function Retry({ standing }: { standing: Standing }) {
  const t = useTranslations('connection');
  if (standing.state !== 'waiting') return null;
  return (
    <span className="retry">
      <span>{t('retryIn', { seconds: standing.seconds })}</span>
      <button type="button" className="link" onClick={hurryEngine}>
        {t('tryNow')}
      </button>
    </span>
  );
}
