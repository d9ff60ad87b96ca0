'use client';

import { useEffect } from 'react';
import { setTabVisible, visibleEveryMs } from '../../lib/client/device-intents';
import { author } from './author';

/**
 * Notes in the database while this tab is looked at. Not a message to the tab's worker: the engine may run in the
 * worker of another tab.
 */
export function useTabVisible(signedIn: boolean): void {
  useEffect(() => {
    if (!signedIn) return;
    const tabId = author.newId();
    const visible = () => document.visibilityState === 'visible';
    const tell = () => void setTabVisible(author, tabId, visible());
    const renew = () => {
      if (visible()) tell();
    };
    tell();
    document.addEventListener('visibilitychange', tell);
    const timer = setInterval(renew, visibleEveryMs);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tell);
      void setTabVisible(author, tabId, false);
    };
  }, [signedIn]);
}
