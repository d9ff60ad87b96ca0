'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { useTranslations } from 'use-intl';
import { removeDevice } from '../../lib/client/device-intents';
import { endRecovery } from '../../lib/client/recovery-intents';
import { api, author } from '../hooks/author';
import { queries } from '../hooks/queries';

/** After a recovery: are the lost devices to be shut out? */
export function LostDevices() {
  const t = useTranslations('recovery');
  const devices = useQuery({ queryKey: ['devices'], queryFn: () => api.devices.list.query() }, queries);
  const lost = devices.data?.filter((device) => !device.current) ?? [];
  const removeAll = useMutation(
    {
      mutationFn: async () => {
        for (const { deviceId, name } of lost) await removeDevice(author, { deviceId, name });
        await endRecovery(author);
      },
    },
    queries,
  );
  if (!devices.data) return null;
  return (
    <div className="banner" role="alert">
      <p>{t('recovered', { count: lost.length })}</p>
      {lost.length > 0 && <p>{lost.map((device) => device.name).join(', ')}</p>}
      <div className="choices">
        <button type="button" className="button" onClick={() => void endRecovery(author)}>
          {t(lost.length > 0 ? 'keepDevices' : 'finish')}
        </button>
        {lost.length > 0 && (
          <button type="button" className="button danger" onClick={() => removeAll.mutate()}>
            {t('removeDevices')}
          </button>
        )}
      </div>
    </div>
  );
}
