'use client';

import { useEffect, useState } from 'react';
import { useFormatter, useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { freeConversation } from '../../lib/client/freeing';
import { recentMessages } from '../../lib/client/history';
import { measureStorage, type StorageUse } from '../../lib/client/storage-size';
import { author, db } from '../hooks/author';
import { useConversations } from '../hooks/use-conversations';
import { useNames } from '../hooks/use-names';
import { Avatar } from './avatar';
import { Confirm } from './confirm';

const unitNames = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** What takes how much on this device, and how to get some of it back. */
export function StorageCard() {
  const t = useTranslations('storage');
  const bytes = useBytes();
  const [use, measure] = useStorageUse();
  const kept = useKept();
  return (
    <section className="card" id="storage" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      {use && (
        <>
          <p>
            {use.quota > 0
              ? t('used', { used: bytes(use.usage), quota: bytes(use.quota) })
              : t('usedOnly', { used: bytes(use.usage) })}
          </p>
          <Parts use={use} />
          <p className="notice">{t(kept ? 'kept' : 'notKept')}</p>
          <ByConversation use={use} onFreed={measure} />
        </>
      )}
    </section>
  );
}

function Parts({ use }: { use: StorageUse }) {
  const t = useTranslations('storage');
  const bytes = useBytes();
  const parts = [
    ['messages', use.messages.bytes],
    ['pictures', use.pictures],
    ['search', use.search],
    ['keys', use.keys],
    ['appFiles', use.appFiles],
  ] as const;
  const whole = parts.reduce((sum, [, size]) => sum + size, 0) || 1;
  return (
    <dl className="parts">
      {parts
        .filter(([, size]) => size > 0)
        .map(([name, size]) => (
          <div key={name}>
            <dt>{name === 'messages' ? t('messages', { count: use.messages.count }) : t(name)}</dt>
            <dd>{t('about', { size: bytes(size) })}</dd>
            <dd className="gauge">
              <progress value={size} max={whole} aria-label={t(name === 'messages' ? 'messagesBar' : name)} />
            </dd>
          </div>
        ))}
    </dl>
  );
}

function ByConversation({ use, onFreed }: { use: StorageUse; onFreed: () => void }) {
  const t = useTranslations('storage');
  const names = useNames();
  const conversations = useConversations();
  const [asking, setAsking] = useState<ConversationRow | null>(null);
  const bytes = useBytes();
  const rows = use.conversations.flatMap((part) => {
    const row = conversations?.find((one) => one.conversationId === part.conversationId);
    return row && part.count > recentMessages ? [{ ...part, row }] : [];
  });
  return (
    <>
      <h3>{t('byConversation')}</h3>
      <p className="notice">{t('freeHint', { count: recentMessages })}</p>
      {rows.length === 0 && <p className="notice">{t('nothingToFree')}</p>}
      <ul className="people">
        {rows.map(({ row, count, bytes: size }) => (
          <li key={row.conversationId}>
            <Avatar id={names.face(row)} name={names.conversation(row)} />
            <span className="grow">
              {names.conversation(row)}
              <small>{t('conversationSize', { count, size: bytes(size) })}</small>
            </span>
            <button
              type="button"
              className="button"
              aria-label={t('freeOf', { name: names.conversation(row) })}
              onClick={() => setAsking(row)}
            >
              {t('freeOne')}
            </button>
          </li>
        ))}
      </ul>
      {asking && (
        <Confirm
          question={t('freeConfirm', { name: names.conversation(asking), count: recentMessages })}
          onAnswer={(yes) => {
            setAsking(null);
            if (yes) void freeConversation(author, asking.conversationId).then(onFreed);
          }}
        />
      )}
    </>
  );
}

function useBytes(): (size: number) => string {
  const format = useFormatter();
  return (size) => {
    const rank = size < 1_000 ? 0 : Math.min(unitNames.length - 1, Math.floor(Math.log10(size) / 3));
    const unit = unitNames[rank] ?? 'byte';
    return format.number(size / 1_000 ** rank, {
      style: 'unit',
      unit,
      // English has no plural for the short form of a byte.
      unitDisplay: rank === 0 ? 'long' : 'short',
      maximumFractionDigits: rank < 2 ? 0 : 1,
    });
  };
}

function useStorageUse(): [StorageUse | null, () => void] {
  const [use, setUse] = useState<StorageUse | null>(null);
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each wish measures anew.
  useEffect(() => {
    let gone = false;
    const look = async () => {
      const estimate = 'storage' in navigator ? await navigator.storage.estimate() : {};
      const measured = await measureStorage(db, estimate);
      if (!gone) setUse(measured);
    };
    void look();
    return () => {
      gone = true;
    };
  }, [asked]);
  return [use, () => setAsked((times) => times + 1)];
}

/** Whether the browser has promised not to clear it when space is short. */
function useKept(): boolean {
  const [kept, setKept] = useState(false);
  useEffect(() => {
    if ('storage' in navigator) void navigator.storage.persisted().then(setKept);
  }, []);
  return kept;
}
