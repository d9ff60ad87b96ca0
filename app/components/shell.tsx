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
  }, [unread]);

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
