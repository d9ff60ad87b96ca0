'use client';

import { useEffect, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';
import type { MessageRow } from '../../lib/client/db';
import { useNames } from '../hooks/use-names';

const forgetMs = 3_000;

/**
 * Tells a screen reader of what arrives. The list itself stays silent: rows come into the document whenever one
 * scrolls, and those are not new.
 */
export function Announcer({ messages }: { messages: MessageRow[] | undefined }) {
  const t = useTranslations('message');
  const names = useNames();
  const [said, say] = useState('');
  const known = useRef<number | null>(null);
  useEffect(() => {
    if (!messages) return;
    const newest = messages.findLast(
      (row) => row.status === 'received' && row.kind === 'text' && !row.deleted,
    );
    const seq = newest?.seq ?? 0;
    if (newest && known.current !== null && seq > known.current && !names.isBlocked(newest.senderId)) {
      say(
        t('said', {
          name: names.person(newest.senderId),
          text: [newest.picture && t('picture'), newest.body].filter(Boolean).join(', '),
        }),
      );
    }
    known.current = Math.max(known.current ?? 0, seq);
  }, [messages, names, t]);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(''), forgetMs);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <p className="visually-hidden" aria-live="polite">
      {said}
    </p>
  );
}
