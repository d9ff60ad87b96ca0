'use client';

import { useTranslations } from 'use-intl';
import type { Intent } from '../../lib/client/db';
import { dismissRefusal, retryRefusal } from '../../lib/client/refusal-intents';
import type { Refusal } from '../../lib/client/refusals';
import { author } from '../hooks/author';
import { useRefusals } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import type { Writing } from './conversation-page';

/** What was asked for here and refused for good: why, and what can be done about it. */
export function Refusals(props: { conversationId: string; onWrite: (writing: Writing) => void }) {
  const refusals = useRefusals(props.conversationId) ?? [];
  return refusals.map((refusal) => <Line key={refusal.id} refusal={refusal} onWrite={props.onWrite} />);
}

function Line({ refusal, onWrite }: { refusal: Refusal; onWrite: (writing: Writing) => void }) {
  const t = useTranslations();
  const what = useWhat()(refusal.intent);
  const { intent } = refusal;
  const text = intent.kind === 'message' && intent.content.kind === 'edit' ? intent.content.body : null;
  return (
    <section className="request" role="alert" aria-label={t('refusal.title')}>
      <p>
        {what} {t(`errors.${refusal.code}`)}
      </p>
      <div className="choices">
        {text !== null && (
          <button
            type="button"
            className="button"
            onClick={() => {
              onWrite({ mode: 'new', takenBack: text });
              void dismissRefusal(author, refusal);
            }}
          >
            {t('refusal.takeText')}
          </button>
        )}
        <button type="button" className="button" onClick={() => void dismissRefusal(author, refusal)}>
          {t('refusal.dismiss')}
        </button>
        <button type="button" className="button primary" onClick={() => void retryRefusal(author, refusal)}>
          {t('refusal.again')}
        </button>
      </div>
    </section>
  );
}

function useWhat(): (intent: Intent) => string {
  const t = useTranslations('refusal.what');
  const names = useNames();
  return (intent) => {
    if (intent.kind === 'message') {
      const { kind } = intent.content;
      return kind === 'text' ? t('message') : t(kind === 'group' ? 'title' : kind);
    }
    if (intent.kind === 'add') return t('add', { names: intent.userIds.map(names.person).join(', ') });
    if (intent.kind === 'remove' || intent.kind === 'role')
      return t(intent.kind, { name: names.person(intent.userId) });
    return t(intent.kind === 'mark' ? 'message' : intent.kind);
  };
}
