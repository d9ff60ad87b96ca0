'use client';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { matchesSafetyNumber, safetyNumber } from '../../lib/client/safety-number';
import { decideIdentity } from '../../lib/client/trust-intents';
import { author } from '../hooks/author';
import { queries } from '../hooks/queries';
import { useIdentity } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { Modal } from './modal';
import { QrCode } from './qr-code';
import { QrScanner } from './qr-scanner';

/** The safety number of a person: to compare by eye or by scanning, to verify, and to accept after a change. */
export function SafetyModal({ userId, onClose }: { userId: string; onClose: () => void }) {
  const t = useTranslations('safety');
  const names = useNames();
  const name = names.person(userId);
  const mine = useIdentity(names.me?.userId ?? '');
  const theirs = useIdentity(userId);
  const [scanning, setScanning] = useState(false);
  const [result, setResult] = useState<'same' | 'other' | 'none' | null>(null);
  // What the server tells now is what has to be compared.
  const masterKey = theirs?.changedTo ?? theirs?.masterKey;
  const verified = theirs?.verification !== null && theirs?.changedTo === null;
  const { data: number } = useQuery(
    {
      queryKey: ['safety', userId, masterKey, mine?.masterKey],
      queryFn: () =>
        safetyNumber(
          { userId: mine?.userId ?? '', masterKey: mine?.masterKey ?? '' },
          { userId, masterKey: masterKey ?? '' },
        ),
      enabled: mine != null && masterKey !== undefined,
    },
    queries,
  );
  const decide = (verify: boolean) => {
    if (masterKey !== undefined) void decideIdentity(author, { userId, masterKey, verify });
  };
  const scanned = (text: string) => {
    const same = number ? matchesSafetyNumber(number, text) : null;
    setResult(same === null ? 'none' : same ? 'same' : 'other');
    setScanning(false);
    if (same) decide(true);
  };
  return (
    <Modal title={t('title', { name })} onClose={onClose} closing={t('close')}>
      {theirs === null && <p>{t('unknown', { name })}</p>}
      {theirs?.changedTo && (
        <p className="notice bad" role="alert">
          {t(theirs.verification ? 'changedVerified' : 'changed', { name })}
        </p>
      )}
      {number && !scanning && (
        <>
          <p>{t('lead', { name })}</p>
          <output className="safety-number" aria-label={t('number')}>
            {number.groups.map((group, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two groups may be the same.
              <span key={index}>{group}</span>
            ))}
          </output>
          <QrCode text={number.code} label={t('qr')} />
        </>
      )}
      {scanning && <QrScanner onCode={scanned} />}
      {result && (
        <p className={`notice ${result === 'same' ? '' : 'bad'}`} role="alert">
          {t(`scanned.${result}`, { name })}
        </p>
      )}
      {verified && <p role="status">{t('verified', { name })}</p>}
      {number && (
        <button type="button" className="button wide" onClick={() => setScanning(!scanning)}>
          {t(scanning ? 'showNumber' : 'scan', { name })}
        </button>
      )}
      {number && !verified && (
        <button type="button" className="button primary wide" onClick={() => decide(true)}>
          {t('verify')}
        </button>
      )}
      {theirs?.changedTo && (
        <button type="button" className="button wide" onClick={() => decide(false)}>
          {t('accept')}
        </button>
      )}
      {verified && (
        <button type="button" className="button wide" onClick={() => decide(false)}>
          {t('unverify')}
        </button>
      )}
    </Modal>
  );
}
