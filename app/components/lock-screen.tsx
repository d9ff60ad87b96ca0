'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { wipeProfile } from '../../lib/client/store-key';
import { keyRing } from '../hooks/author';
import { Icon } from './icons';
import { Modal } from './modal';

/** After so many wrong ones the way out is shown without being asked for. */
const triesBeforeHelp = 5;

/** Asks for the passphrase. */
export function LockScreen() {
  const t = useTranslations('lock');
  const [typed, setTyped] = useState('');
  const [checking, setChecking] = useState(false);
  const [wrong, setWrong] = useState(0);
  const [forgotten, setForgotten] = useState(false);
  const unlock = async () => {
    setChecking(true);
    const opened = await keyRing().unlock(typed);
    if (opened) return;
    setWrong(wrong + 1);
    setTyped('');
    setChecking(false);
  };
  return (
    <main className="welcome" id="content">
      <div className="welcome-card lock">
        <span className="lock-sign">
          <Icon name="lock" />
        </span>
        <p className="brand">Aparté</p>
        <h1>{t('title')}</h1>
        <p className="lead">{t('lead')}</p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (typed !== '' && !checking) void unlock();
          }}
        >
          <label className="field">
            <span>{t('passphrase')}</span>
            <input
              type="password"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="current-password"
              // biome-ignore lint/a11y/noAutofocus: it is all there is to do here.
              autoFocus
              readOnly={checking}
              aria-invalid={wrong > 0}
              aria-describedby="lock-said"
            />
          </label>
          <p
            id="lock-said"
            className={wrong > 0 && !checking ? 'notice bad' : 'visually-hidden'}
            role="alert"
          >
            {wrong > 0 && !checking && t('wrong', { count: wrong })}
          </p>
          <button type="submit" className="button primary wide" disabled={typed === '' || checking}>
            {checking ? t('checking') : t('unlock')}
          </button>
        </form>
        {wrong >= triesBeforeHelp && <p className="notice">{t('help')}</p>}
        <button type="button" className="button wide" onClick={() => setForgotten(true)}>
          {t('forgotten')}
        </button>
        {forgotten && <Forgotten onClose={() => setForgotten(false)} />}
      </div>
    </main>
  );
}

/** Without the passphrase nothing here can be read by anybody: what remains is to begin again. */
function Forgotten({ onClose }: { onClose: () => void }) {
  const t = useTranslations('lock');
  const [sure, setSure] = useState(false);
  const startAnew = async () => {
    await wipeProfile();
    location.replace('/');
  };
  return (
    <Modal title={t('forgottenTitle')} onClose={onClose} closing={t('back')}>
      <p>{t('forgottenLead')}</p>
      <ul className="points">
        <li>{t('forgottenLink')}</li>
        <li>{t('forgottenRecovery')}</li>
        <li>{t('forgottenLost')}</li>
      </ul>
      <label className="check">
        <input type="checkbox" checked={sure} onChange={(event) => setSure(event.target.checked)} />
        <span>{t('sure')}</span>
      </label>
      <button type="button" className="button danger wide" disabled={!sure} onClick={() => void startAnew()}>
        {t('startAnew')}
      </button>
    </Modal>
  );
}
