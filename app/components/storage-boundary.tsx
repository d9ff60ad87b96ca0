'use client';

import { Component, type ReactNode, useEffect, useState } from 'react';
import { useTranslations } from 'use-intl';
import { clearStores } from '../../lib/client/store-key';
import { Confirm } from './confirm';
import { Logo } from './logo';
import { Opening } from './opening';

/** A browser that closes or clears the storage makes reads fail for a moment: so often the page is tried again. */
const tries = 4;
const firstPauseMs = 250;

type Standing = { state: 'fine' } | { state: 'pausing' } | { state: 'broken' };

/** Every read of the database passes through here when it fails. */
export class StorageBoundary extends Component<{ children: ReactNode }, Standing> {
  override state: Standing = { state: 'fine' };
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  static getDerivedStateFromError(): Standing {
    return { state: 'pausing' };
  }

  override componentDidCatch() {
    this.#failures += 1;
    if (this.#failures > tries) {
      this.setState({ state: 'broken' });
      return;
    }
    this.#timer = setTimeout(() => this.setState({ state: 'fine' }), firstPauseMs * 2 ** this.#failures);
  }

  override componentWillUnmount() {
    clearTimeout(this.#timer);
  }

  override render() {
    if (this.state.state === 'fine') return this.props.children;
    return this.state.state === 'broken' ? <StorageBroken /> : <Opening />;
  }
}

/** In this tab only: whether clearing the cache has been tried. */
const triedKey = 'aparte-cache-cleared';

/**
 * The storage does not open. First it is tried again, then the cache is cleared, which the server fills again; only if
 * that does not help either go the keys, which another device or the recovery key must bring back.
 */
export function StorageBroken() {
  const mayHelp = useReload();
  return mayHelp ? <Opening /> : <Broken />;
}

/** In this tab only: when the page was last loaded anew for its storage. */
const reloadedKey = 'aparte-reloaded';
const reloadEveryMs = 60_000;

/** Under a page from which the browser has taken the storage nothing opens again; a new page may have it. Once. */
function useReload(): boolean {
  const [mayHelp] = useState(() => {
    const last = Number(sessionStorage.getItem(reloadedKey) ?? 0);
    return Math.abs(Date.now() - last) > reloadEveryMs;
  });
  useEffect(() => {
    if (!mayHelp) return;
    sessionStorage.setItem(reloadedKey, String(Date.now()));
    location.reload();
  }, [mayHelp]);
  return mayHelp;
}

function Broken() {
  const t = useTranslations('storage');
  const [asking, setAsking] = useState(false);
  const [clearing, setClearing] = useState(false);
  const what = sessionStorage.getItem(triedKey) ? 'all' : 'cache';
  const clear = async () => {
    setClearing(true);
    try {
      await clearStores(what);
    } finally {
      sessionStorage.setItem(triedKey, what);
      location.assign('/');
    }
  };
  return (
    <main className="page empty" id="content" role="alert">
      <Logo />
      <h1>{t('brokenTitle')}</h1>
      <p className="measure">{t(what === 'cache' ? 'broken' : 'brokenStill')}</p>
      <div className="choices">
        <button type="button" className="button primary" onClick={() => location.reload()}>
          {t('tryAgain')}
        </button>
        <button type="button" className="button" disabled={clearing} onClick={() => setAsking(true)}>
          {t(what === 'cache' ? 'clearCache' : 'clearAll')}
        </button>
      </div>
      {asking && (
        <Confirm
          question={t(what === 'cache' ? 'clearCacheConfirm' : 'clearAllConfirm')}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes) void clear();
          }}
        />
      )}
    </main>
  );
}
