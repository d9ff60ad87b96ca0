'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { db, keyRing } from '../hooks/author';
import { useAutoLockMinutes } from '../hooks/use-live';
import { defaultAutoLockMinutes, useProtected } from '../hooks/use-lock';
import { Modal } from './modal';

/** Fewer characters are guessed too soon, whatever each guess costs. */
const passphraseMinLength = 8;
const choices = [1, 5, 15, 60, 0];
type Asking = 'set' | 'change' | 'remove';

/** The passphrase of this profile: set, changed, taken away; and when the app locks by itself. */
export function AppLock() {
  const t = useTranslations('lock');
  const isProtected = useProtected();
  const minutes = useAutoLockMinutes() ?? defaultAutoLockMinutes;
  const [asking, setAsking] = useState<Asking | null>(null);
  return (
    <section className="card" aria-label={t('card')}>
      <h2>{t('card')}</h2>
      <p>{isProtected ? t('on') : t('off')}</p>
      {isProtected ? (
        <>
          <label className="field inline">
            <span>{t('auto')}</span>
            <select
              value={minutes}
              onChange={(event) => void db.writeMeta('autoLockMinutes', Number(event.target.value))}
            >
              {choices.map((choice) => (
                <option key={choice} value={choice}>
                  {choice === 0 ? t('never') : t('minutes', { count: choice })}
                </option>
              ))}
            </select>
          </label>
          <div className="ways">
            <button type="button" className="button primary" onClick={() => keyRing().lock()}>
              {t('now')}
            </button>
            <button type="button" className="button" onClick={() => setAsking('change')}>
              {t('change')}
            </button>
            <button type="button" className="button" onClick={() => setAsking('remove')}>
              {t('remove')}
            </button>
          </div>
        </>
      ) : (
        <button type="button" className="button" onClick={() => setAsking('set')}>
          {t('set')}
        </button>
      )}
      {asking && <PassphraseModal key={asking} asking={asking} onClose={() => setAsking(null)} />}
    </section>
  );
}

function PassphraseModal({ asking, onClose }: { asking: Asking; onClose: () => void }) {
  const t = useTranslations('lock');
  const [current, setCurrent] = useState('');
  const [wanted, setWanted] = useState('');
  const [again, setAgain] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(false);
  const short = wanted.length < passphraseMinLength;
  const ready = (asking === 'set' || current !== '') && (asking === 'remove' || (!short && wanted === again));
  const save = async () => {
    setBusy(true);
    setWrong(false);
    const ring = keyRing();
    const done =
      asking === 'set'
        ? await ring.protect(wanted).then(() => true)
        : asking === 'change'
          ? await ring.change(current, wanted)
          : await ring.unprotect(current);
    setBusy(false);
    setWrong(!done);
    if (done) onClose();
  };
  return (
    <Modal title={t(asking)} onClose={onClose} closing={t('back')}>
      {asking === 'set' && <p>{t('setLead')}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !busy) void save();
        }}
      >
        {asking !== 'set' && (
          <Secret label={t('current')} value={current} onChange={setCurrent} complete="current-password" />
        )}
        {asking !== 'remove' && (
          <>
            <Secret
              label={t('new')}
              hint={t('hint', { count: passphraseMinLength })}
              value={wanted}
              onChange={setWanted}
              complete="new-password"
            />
            <Secret
              label={t('again')}
              hint={again !== '' && wanted !== again ? t('differs') : ''}
              value={again}
              onChange={setAgain}
              complete="new-password"
            />
          </>
        )}
        <p className={wrong ? 'notice bad' : 'visually-hidden'} role="alert">
          {wrong && t('wrong', { count: 1 })}
        </p>
        <button type="submit" className="button primary wide" disabled={!ready || busy}>
          {busy ? t('checking') : t(asking === 'remove' ? 'remove' : 'save')}
        </button>
      </form>
    </Modal>
  );
}

function Secret(props: {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
  complete: 'current-password' | 'new-password';
}) {
  return (
    <label className="field">
      <span>{props.label}</span>
      <input
        type="password"
        value={props.value}
        autoComplete={props.complete}
        onChange={(event) => props.onChange(event.target.value)}
      />
      {props.hint !== undefined && <small aria-live="polite">{props.hint}</small>}
    </label>
  );
}
