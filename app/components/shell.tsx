'use client';

import { usePathname } from 'next/navigation';
import { type ReactNode, useEffect } from 'react';
import { useTranslations } from 'use-intl';
import { endFirstVisit, looksFirst } from '../../lib/client/first-visit';
import { unreadOf } from '../../lib/client/queries';
import { useLastWords } from '../hooks/last-words';
import { useAlerts } from '../hooks/use-alerts';
import { useBackgroundSync } from '../hooks/use-background-sync';
import { useCleared } from '../hooks/use-cleared';
import { useListed } from '../hooks/use-conversations';
import { useFirstContact } from '../hooks/use-first-contact';
import { useRecoveryReminder, useSession } from '../hooks/use-live';
import { useMultiDeviceSync } from '../hooks/use-multi-device-sync';
import { useStorage } from '../hooks/use-storage';
import { useTabVisible } from '../hooks/use-tab-visible';
import { ChatList } from './chat-list';
import { late } from './late';
import { Opening } from './opening';
import { SecurityNews } from './security-news';
import { StorageBroken } from './storage-boundary';

// Who has an account does not need it; who comes for the first time does at once.
const { Late: Welcome, ahead } = late(() => import('./welcome').then((file) => file.Welcome), Opening);
if (typeof document !== 'undefined' && looksFirst()) void ahead();

/** What surrounds every route: the welcome until there is an account, then the list beside the route. */
export function Shell({ children }: { children: ReactNode }) {
  useMultiDeviceSync();
  useBackgroundSync();
  const session = useSession();
  const signedIn = session?.state === 'signed_in';
  const deviceId = signedIn ? session.deviceId : null;
  const contact = useFirstContact(deviceId);
  useTabVisible(signedIn);
  useAlerts(signedIn);
  useCleared(signedIn);
  useLastWords(deviceId);
  const reminder = useRecoveryReminder();
  const { storage, tryAgain } = useStorage();
  const { conversations, blocked, whole } = useListed();
  // A device that was signed out may still have what was unread: it is told to nobody.
  const signedOut = session !== undefined && !signedIn;
  const unread = signedOut ? 0 : whole ? unreadOf(conversations ?? [], blocked, Date.now()) : null;
  const pathname = usePathname();
  const t = useTranslations();

  useEffect(() => {
    if (unread === null) return;
    document.title = unread > 0 ? `(${unread}) Aparté` : 'Aparté';
    // An installed app shows it on its icon; a browser without that refuses, and nothing is missing.
    if ('setAppBadge' in navigator) navigator.setAppBadge(unread).catch(() => undefined);
  }, [unread]);
  useEffect(() => {
    if (signedIn) endFirstVisit(true);
  }, [signedIn]);
  useEffect(() => {
    // What is here must not be cleared away when space is short; the browser may say no.
    if (signedIn && 'storage' in navigator) navigator.storage.persist().catch(() => undefined);
  }, [signedIn]);

  // The list is drawn with what stands over it, or it would jump.
  const known = session && (!signedIn || (contact === 'through' && reminder !== undefined));
  if (!known) return <Opening />;
  if (storage === 'broken') return <StorageBroken />;
  if (session.state !== 'signed_in') return <Welcome session={session} />;
  const atList = pathname === '/';
  return (
    // At the list, list and greeting are the main thing together; an element of another name would make the list anew.
    <div className={`shell ${atList ? 'at-list' : 'at-page'}`} role={atList ? 'main' : undefined}>
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <SecurityNews storage={storage} onTry={tryAgain} />
      <ChatList reminder={reminder ?? 'no'} />
      {children}
    </div>
  );
}
