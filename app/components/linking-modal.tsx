'use client';

import { useEffect, useState } from 'react';
import { useTranslations } from 'use-intl';
import {
  cancelLink,
  closeLink,
  confirmLink,
  enterLinkCode,
  showLinkCode,
} from '../../lib/client/link-intents';
import type { LinkState } from '../../lib/client/link-state';
import { db } from '../hooks/author';
import { useLink } from '../hooks/use-live';
import { deviceKind, deviceName } from './device-name';
import { Modal } from './modal';
import { QrCode } from './qr-code';
import { QrScanner } from './qr-scanner';

type Way = 'show' | 'enter';

/** Links a device. On one that has the account it shows a code at once; on a new one it reads the other's. */
export function LinkingModal({ side, onClose }: { side: 'old' | 'new'; onClose: () => void }) {
  const t = useTranslations('linking');
  const link = useLink();
  const [way, setWay] = useState<Way>(side === 'old' ? 'show' : 'enter');
  useEffect(() => {
    void begin(side === 'old' ? 'show' : 'enter');
  }, [side]);

  const close = () => {
    void cancelLink(db).then(() => closeLink(db));
    onClose();
  };
  const change = (next: Way) => {
    setWay(next);
    void cancelLink(db).then(() => begin(next));
  };
  return (
    <Modal
      title={t(side === 'old' ? 'titleOld' : 'titleNew')}
      onClose={close}
      closing={t(link?.step === 'done' ? 'finish' : 'cancel')}
    >
      {link && <Step link={link} side={side} way={way} onWay={change} />}
    </Modal>
  );
}

const device = () => ({ name: deviceName(), kind: deviceKind() });

async function begin(way: Way): Promise<void> {
  await closeLink(db);
  if (way === 'show') await showLinkCode(db, device());
}

function Step(props: { link: LinkState; side: 'old' | 'new'; way: Way; onWay: (way: Way) => void }) {
  const t = useTranslations('linking');
  const { link, side, way, onWay } = props;
  switch (link.step) {
    case 'idle':
      return way === 'enter' ? <Enter side={side} onWay={onWay} /> : <p role="status">{t('preparing')}</p>;
    case 'opening':
    case 'meeting':
      return <p role="status">{t('preparing')}</p>;
    case 'showing':
      return <Showing code={link.code} expiresAt={link.expiresAt} side={side} onWay={onWay} />;
    case 'checking':
      return (
        <>
          <p>{t('typeThere')}</p>
          <output className="digits">{link.checkCode}</output>
        </>
      );
    case 'confirming':
      return link.typed === null ? <Confirming name={link.name} /> : <p role="status">{t('finishing')}</p>;
    case 'finishing':
      return <p role="status">{t('finishing')}</p>;
    case 'done':
      return <p role="status">{t('done', { name: link.name })}</p>;
    case 'failed':
      return (
        <>
          <p className="notice bad" role="alert">
            {t(`failed.${link.reason}`)}
          </p>
          <button type="button" className="button primary wide" onClick={() => onWay(way)}>
            {t('again')}
          </button>
        </>
      );
  }
}

function Showing(props: { code: string; expiresAt: number; side: 'old' | 'new'; onWay: (way: Way) => void }) {
  const t = useTranslations('linking');
  const [copied, setCopied] = useState(false);
  const { code } = props;
  return (
    <>
      <p>{t(props.side === 'old' ? 'showOld' : 'showNew')}</p>
      <QrCode text={code.replaceAll('-', '')} label={t('qr')} />
      <Countdown until={props.expiresAt} />
      <output className="link-code">{code}</output>
      <button
        type="button"
        className="button wide"
        onClick={() => void navigator.clipboard.writeText(code).then(() => setCopied(true))}
      >
        {t(copied ? 'copied' : 'copy')}
      </button>
      <button type="button" className="button wide" onClick={() => props.onWay('enter')}>
        {t('scanInstead')}
      </button>
    </>
  );
}

function Countdown({ until }: { until: number }) {
  const t = useTranslations('linking');
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, Math.ceil((until - now) / 1_000));
  const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return <p className="countdown">{t('expires', { time })}</p>;
}

function Enter({ side, onWay }: { side: 'old' | 'new'; onWay: (way: Way) => void }) {
  const t = useTranslations('linking');
  const [typed, setTyped] = useState('');
  const enter = (code: string) => void enterLinkCode(db, code, device());
  return (
    <>
      <p>{t(side === 'old' ? 'enterOld' : 'enterNew')}</p>
      <QrScanner onCode={enter} />
      <form
        className="find"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim()) enter(typed);
        }}
      >
        <label className="field">
          <span>{t('code')}</span>
          <input
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoCapitalize="characters"
            autoComplete="off"
            autoCorrect="off"
            spellCheck={false}
            maxLength={40}
          />
        </label>
        <button type="submit" className="button primary" disabled={!typed.trim()}>
          {t('use')}
        </button>
      </form>
      <button type="button" className="button wide" onClick={() => onWay('show')}>
        {t('showInstead')}
      </button>
    </>
  );
}

function Confirming({ name }: { name: string }) {
  const t = useTranslations('linking');
  const [typed, setTyped] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.length === 2) void confirmLink(db, typed);
      }}
    >
      <p>{t('wants', { name })}</p>
      <label className="field">
        <span>{t('digits')}</span>
        <input
          className="digits"
          value={typed}
          onChange={(event) => setTyped(event.target.value.replace(/\D/g, '').slice(0, 2))}
          inputMode="numeric"
          autoComplete="off"
        />
      </label>
      <button type="submit" className="button primary wide" disabled={typed.length !== 2}>
        {t('link')}
      </button>
    </form>
  );
}
