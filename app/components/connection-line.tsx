'use client';

import { useTranslations } from 'use-intl';
import { useConnection, useHistory } from '../hooks/use-live';

/** Says how it stands with the network, and with what a linked device still fetches, unless all is well. */
export function ConnectionLine() {
  const t = useTranslations();
  const connection = useConnection();
  const history = useHistory();
  const online = !connection || connection.state === 'online';
  const fetching = online && history !== undefined && history.left > 0;
  const quiet = online && !fetching;
  return (
    <p className={`connection ${quiet ? 'quiet' : ''}`} role="status">
      {!online && t(`connection.${connection.state}`)}
      {fetching && t('linking.history', { percent: Math.floor(100 * (1 - history.left / history.total)) })}
    </p>
  );
}
