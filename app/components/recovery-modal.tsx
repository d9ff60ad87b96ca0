'use client';

import { useEffect, useState } from 'react';
import { useTranslations } from 'use-intl';
import { keepRecoveryKey, makeRecoveryKey } from '../../lib/client/recovery-intents';
import { author } from '../hooks/author';
import { useRecovery } from '../hooks/use-live';
import { Modal } from './modal';

/** Makes a recovery key, has it written down, and asks for two of its groups before it counts. */
export function RecoveryModal({ onClose }: { onClose: () => void }) {
  const t = useTranslations('recovery');
  const [key, setKey] = useState<string | null>(null);
  const [step, setStep] = useState<'show' | 'ask' | 'kept'>('show');
  useEffect(() => {
    void makeRecoveryKey().then(setKey);
  }, []);
  const stored = useRecovery()?.state === 'stored';
  return (
    <Modal title={t('title')} onClose={onClose} closing={t(step === 'kept' && stored ? 'finish' : 'cancel')}>
      {key && step === 'show' && <Shown recoveryKey={key} onNext={() => setStep('ask')} />}
      {key && step === 'ask' && (
        <AskBack
          recoveryKey={key}
          onBack={() => setStep('show')}
          onRight={() => {
            void keepRecoveryKey(author, key);
            setStep('kept');
          }}
        />
      )}
      {step === 'kept' && <p role="status">{t(stored ? 'done' : 'storing')}</p>}
    </Modal>
  );
}

function Shown({ recoveryKey, onNext }: { recoveryKey: string; onNext: () => void }) {
  const t = useTranslations('recovery');
  const [copied, setCopied] = useState(false);
  return (
    <>
      <p>{t('lead')}</p>
      <output className="recovery-key" aria-label={t('key')}>
        {recoveryKey.split(' ').map((group, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two groups may be the same.
          <span key={index}>{group}</span>
        ))}
      </output>
      <p className="notice">{t('advice')}</p>
      <div className="ways">
        <button
          type="button"
          className="button"
          onClick={() => void navigator.clipboard.writeText(recoveryKey).then(() => setCopied(true))}
        >
          {t(copied ? 'copied' : 'copy')}
        </button>
        <button type="button" className="button" onClick={() => download(t('file', { key: recoveryKey }))}>
          {t('download')}
        </button>
        <button type="button" className="button" onClick={() => print()}>
          {t('print')}
        </button>
      </div>
      <button type="button" className="button primary wide" onClick={onNext}>
        {t('next')}
      </button>
    </>
  );
}

function download(text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = 'aparte-recovery-key.txt';
  link.click();
  URL.revokeObjectURL(link.href);
}

function AskBack(props: { recoveryKey: string; onBack: () => void; onRight: () => void }) {
  const t = useTranslations('recovery');
  const groups = props.recoveryKey.split(' ');
  // Two places that the key itself picks, so that they differ from key to key.
  const [places] = useState(() => {
    const first = props.recoveryKey.charCodeAt(0) % groups.length;
    const step = 1 + (props.recoveryKey.charCodeAt(1) % (groups.length - 1));
    return [first, (first + step) % groups.length].sort();
  });
  const [typed, setTyped] = useState(['', '']);
  const [wrong, setWrong] = useState(false);
  const matches = () =>
    places.every((place, index) => groups[place] === (typed[index] ?? '').trim().toUpperCase());
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (matches()) props.onRight();
        else setWrong(true);
      }}
    >
      <p>{t('ask')}</p>
      {places.map((place, index) => (
        <label className="field" key={place}>
          <span>{t('group', { place: place + 1 })}</span>
          <input
            value={typed[index]}
            onChange={(event) => {
              setWrong(false);
              setTyped(typed.map((one, at) => (at === index ? event.target.value : one)));
            }}
            autoCapitalize="characters"
            autoComplete="off"
            autoCorrect="off"
            spellCheck={false}
            maxLength={8}
          />
        </label>
      ))}
      {wrong && (
        <p className="notice bad" role="alert">
          {t('wrong')}
        </p>
      )}
      <button type="submit" className="button primary wide" disabled={typed.some((one) => !one.trim())}>
        {t('confirm')}
      </button>
      <button type="button" className="button wide" onClick={props.onBack}>
        {t('showAgain')}
      </button>
    </form>
  );
}
