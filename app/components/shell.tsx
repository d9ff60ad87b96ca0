'use client';

import { usePathname } from 'next/navigation';
import { type ReactNode, useEffect } from 'react';
import { useTranslations } from 'use-intl';
import { useBackgroundSync } from '../hooks/use-background-sync';
import { useEngine } from '../hooks/use-engine';
import { useFirstContact } from '../hooks/use-first-contact';
import { useSession, useUnreadTotal } from '../hooks/use-live';
import { useTabVisible } from '../hooks/use-tab-visible';
import { ChatList } from './chat-list';
import { Logo } from './logo';
import { SecurityNews } from './security-news';
import { Welcome } from './welcome';

/** What surrounds every route: the welcome until there is an account, then the list beside the route. */
export function Shell({ children }: { children: ReactNode }) {
  useEngine();
  useBackgroundSync();
  const session = useSession();
  const contact = useFirstContact(session?.state === 'signed_in');
  useTabVisible(session?.state === 'signed_in');
  const unread = useUnreadTotal() ?? 0;
  const pathname = usePathname();
  const t = useTranslations();

  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Aparté` : 'Aparté';
    // An installed app shows it on its icon; a browser without that refuses, and nothing is missing.
    if ('setAppBadge' in navigator) navigator.setAppBadge(unread).catch(() => undefined);
  }, [unread]);
  const signedIn = session?.state === 'signed_in';
  useEffect(() => {
    // What is here must not be cleared away when space is short; the browser may say no.
    if (signedIn && 'storage' in navigator) navigator.storage.persist().catch(() => undefined);
  }, [signedIn]);

  if (!session || (session.state === 'signed_in' && contact !== 'through')) {
    return (
      <main className="page empty" aria-busy="true">
        <Logo />
        <p className="visually-hidden">{t('app.loading')}</p>
      </main>
    );
  }
  if (session.state !== 'signed_in') return <Welcome session={session} />;
  return (
    <div className={`shell ${pathname === '/' ? 'at-list' : 'at-page'}`}>
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <SecurityNews />
      <ChatList />
      {children}
    </div>
  );
}
