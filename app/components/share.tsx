'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { useTranslations } from 'use-intl';
import { shareBox } from '../../lib/client/picture-rows';
import { forgetShared, keepShared, shareInto } from '../../lib/client/sharing';
import { author } from '../hooks/author';
import { useConversations } from '../hooks/use-conversations';
import { useNames } from '../hooks/use-names';
import { useWaitingPictures } from '../hooks/use-pictures';
import { useShared } from '../hooks/use-shared';
import { Avatar } from './avatar';
import { Icon } from './icons';
import { PageBar } from './page-bar';
import { WaitingPictures } from './waiting-pictures';

/** What another app has shared, and the conversations that it can go into. */
export function Share() {
  const t = useTranslations('share');
  const names = useNames();
  const router = useRouter();
  const waiting = useShared();
  const pictures = useWaitingPictures(shareBox) ?? [];
  const [locked, setLocked] = useState(false);
  const conversations = useConversations();
  const [search, setSearch] = useState('');
  useEffect(() => {
    setLocked((before) => before || location.search === '?locked');
    const handed = handedOver();
    if (!handed) return;
    history.replaceState(history.state, '', location.pathname);
    void keepShared(author, [handed]);
  }, []);
  const needle = search.trim().toLocaleLowerCase();
  const open = (conversations ?? []).filter(
    (row) => row.myState === 'active' && names.conversation(row).toLocaleLowerCase().includes(needle),
  );
  return (
    <main className="page form" id="content">
      <PageBar title={t('title')} back="/" always />
      <div className="form-body">
        {locked && (
          <p className="notice bad" role="alert">
            {t('locked')}
          </p>
        )}
        {waiting === null && !locked && <p className="lead">{t('nothing')}</p>}
        {waiting && (
          <>
            {waiting.text && <blockquote className="card shared">{waiting.text}</blockquote>}
            <WaitingPictures pictures={pictures} />
            {waiting.left > 0 && <p className="notice bad">{t('left', { count: waiting.left })}</p>}
            <p className="lead">{t('hint')}</p>
            <label className="search inset">
              <span className="visually-hidden">{t('search')}</span>
              <Icon name="search" />
              <input
                type="search"
                value={search}
                placeholder={t('search')}
                onChange={(event) => setSearch(event.target.value)}
              />
            </label>
            <ul className="people" aria-label={t('conversations')}>
              {open.map((row) => (
                <li key={row.conversationId}>
                  <button
                    type="button"
                    className="person"
                    onClick={() =>
                      void shareInto(author, row.conversationId).then(() =>
                        router.push(`/c#${row.conversationId}`),
                      )
                    }
                  >
                    <Avatar id={names.face(row)} name={names.conversation(row)} />
                    <span className="grow">{names.conversation(row)}</span>
                    <Icon name="send" />
                  </button>
                </li>
              ))}
            </ul>
            {conversations && open.length === 0 && <p className="notice">{t('none')}</p>}
            <div className="choices">
              <Link className="button" href="/new#shared">
                {t('new')}
              </Link>
              <button
                type="button"
                className="button"
                onClick={() => void forgetShared(author).then(() => router.push('/'))}
              >
                {t('discard')}
              </button>
            </div>
          </>
        )}
      </div>
    </main>
  );
}

/** What was shared while this profile was locked stands in the address. */
function handedOver(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch (error) {
    if (error instanceof URIError) return '';
    throw error;
  }
}
