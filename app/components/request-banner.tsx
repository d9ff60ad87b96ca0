'use client';

import { useRouter } from 'next/navigation';
import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { accept, block } from '../../lib/client/intents';
import { author } from '../hooks/author';
import { useNames } from '../hooks/use-names';

/** A stranger's first message asks to be let in. */
export function RequestBanner({ conversation }: { conversation: ConversationRow }) {
  const t = useTranslations('conversation');
  const names = useNames();
  const router = useRouter();
  const name = names.person(conversation.createdBy);
  return (
    <section className="request" aria-label={t('accept')}>
      <p>{conversation.kind === 'direct' ? t('request', { name }) : t('requestGroup', { name })}</p>
      <div className="choices">
        <button
          type="button"
          className="button"
          onClick={() => {
            void block(author, conversation.conversationId).then(() => router.push('/'));
          }}
        >
          {t('block')}
        </button>
        <button
          type="button"
          className="button primary"
          onClick={() => void accept(author, conversation.conversationId)}
        >
          {t('accept')}
        </button>
      </div>
    </section>
  );
}
