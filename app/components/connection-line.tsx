'use client';

import { useTranslations } from 'use-intl';
import { useConnection } from '../hooks/use-live';

/** Says how it stands with the network, unless all is well. */
export function ConnectionLine() {
  const t = useTranslations('connection');
  const connection = useConnection();
  const quiet = !connection || connection.state === 'online';
  return (
    <p className={`connection ${quiet ? 'quiet' : ''}`} role="status">
      {quiet ? '' : t(connection.state)}
    </p>
  );
}
