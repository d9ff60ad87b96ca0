'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import type { Session } from '../../lib/client/meta';
import { recoverAccount } from '../../lib/client/recovery-intents';
import { limits } from '../../lib/protocol/limits';
import { handlePattern, normalizeHandle } from '../../lib/protocol/names';
import { author } from '../hooks/author';
import { deviceKind, deviceName } from './device-name';
import { Modal } from './modal';

/** For one who has lost all devices: handle and recovery key bring the account back. */
export function RecoverAccount(props: {
  session: Session;
  handle?: string | undefined;
  onClose: () => void;
}) {
  const { session, onClose } = props;
  const t = useTranslations();
  const failed = session.state === 'recovery_failed' ? session : null;
  const busy = session.state === 'recovering';
  const [typed, setTyped] = useState(failed?.handle ?? props.handle ?? '');
  const [key, setKey] = useState('');
  const handle = normalizeHandle(typed);
  const ready = handlePattern.test(handle) && key.trim() !== '' && !busy;
  return (
    <Modal title={t('recovery.recover')} onClose={onClose} closing={t('recovery.cancel')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!ready) return;
          const device = { deviceName: deviceName(), deviceType: deviceKind() };
          void recoverAccount(author, { handle, key, ...device });
        }}
      >
        <p>{t('recovery.recoverLead')}</p>
        <label className="field">
          <span>{t('welcome.handle')}</span>
          <input
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            maxLength={limits.handleMaxLength + 1}
            autoCapitalize="none"
            autoComplete="username"
            autoCorrect="off"
            spellCheck={false}
            disabled={busy}
          />
        </label>
        <label className="field">
          <span>{t('recovery.key')}</span>
          <textarea
            className="recovery-input"
            rows={3}
            value={key}
            onChange={(event) => setKey(event.target.value)}
            autoCapitalize="characters"
            autoComplete="off"
            autoCorrect="off"
            spellCheck={false}
            maxLength={80}
            disabled={busy}
          />
        </label>
        {failed && (
          <p className="notice bad" role="alert">
            {t(`errors.${failed.code}`)}
          </p>
        )}
        <button type="submit" className="button primary wide" disabled={!ready}>
          {t(busy ? 'recovery.recovering' : 'recovery.bringBack')}
        </button>
      </form>
    </Modal>
  );
}
