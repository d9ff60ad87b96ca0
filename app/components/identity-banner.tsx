'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import type { ConversationRow } from '../../lib/client/db';
import { decideIdentity } from '../../lib/client/trust-intents';
import { author } from '../hooks/author';
import { useChangedIdentities } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { SafetyModal } from './safety-modal';

/** Somebody here is told to be another than before: what is written waits until that was looked at. */
export function IdentityBanner({ conversation }: { conversation: ConversationRow }) {
  const t = useTranslations('safety');
  const names = useNames();
  const [comparing, setComparing] = useState<string | null>(null);
  const first = useChangedIdentities()?.find((identity) =>
    conversation.members.some(
      (member) =>
        member.userId === identity.userId && (member.state === 'active' || member.state === 'requested'),
    ),
  );
  return (
    <>
      {first?.changedTo && (
        <section className="request" aria-label={t('changedTitle')}>
          <p role="alert">
            {t(first.verification ? 'changedVerified' : 'changed', { name: names.person(first.userId) })}
          </p>
          <div className="choices">
            {!first.verification && (
              <button
                type="button"
                className="button"
                onClick={() => {
                  const { userId, changedTo: masterKey } = first;
                  if (masterKey) void decideIdentity(author, { userId, masterKey, verify: false });
                }}
              >
                {t('accept')}
              </button>
            )}
            <button type="button" className="button primary" onClick={() => setComparing(first.userId)}>
              {t('compare')}
            </button>
          </div>
        </section>
      )}
      {comparing && <SafetyModal userId={comparing} onClose={() => setComparing(null)} />}
    </>
  );
}
