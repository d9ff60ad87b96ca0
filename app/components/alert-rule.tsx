'use client';

import { useFormatter, useNow, useTranslations } from 'use-intl';
import { setAlertRule } from '../../lib/client/alert-intents';
import { forEver, isMuted } from '../../lib/client/alert-rules';
import type { ConversationRow } from '../../lib/client/db';
import { author } from '../hooks/author';

const hourMs = 3_600_000;
const choices = { hour: hourMs, hours: 8 * hourMs, week: 7 * 24 * hourMs, always: forEver } as const;
const isChoice = (value: string): value is keyof typeof choices => Object.hasOwn(choices, value);

/** Of which messages of a conversation its owner is told. The other devices of the account follow. */
export function AlertRuleCard({ conversation }: { conversation: ConversationRow }) {
  const t = useTranslations('notifications');
  const format = useFormatter();
  const now = useNow({ updateInterval: 30_000 }).getTime();
  const { conversationId, kind, alertRule } = conversation;
  const muted = isMuted(conversation, now);
  const until = alertRule?.mutedUntil ?? 0;
  const mute = (value: string) => {
    const ms = isChoice(value) ? choices[value] : 0;
    const mutedUntil = ms === forEver || ms === 0 ? ms : author.now() + ms;
    void setAlertRule(author, conversationId, { mutedUntil });
  };
  return (
    <section className="card" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      <label className="field inline">
        <span>{t('mute')}</span>
        <select value={muted ? 'now' : 'no'} onChange={(event) => mute(event.target.value)}>
          <option value="no">{t('notMuted')}</option>
          {muted && (
            <option value="now">
              {until === forEver
                ? t('mutedAlways')
                : t('mutedUntil', {
                    time: format.dateTime(until, { dateStyle: 'short', timeStyle: 'short' }),
                  })}
            </option>
          )}
          {Object.keys(choices).map((choice) => (
            <option key={choice} value={choice}>
              {t(`muteFor.${choice as keyof typeof choices}`)}
            </option>
          ))}
        </select>
      </label>
      {kind === 'group' && (
        <label className="switch">
          <span>{t('mentionsOnly')}</span>
          <input
            type="checkbox"
            role="switch"
            checked={alertRule?.mentionsOnly ?? false}
            aria-checked={alertRule?.mentionsOnly ?? false}
            onChange={(event) =>
              void setAlertRule(author, conversationId, { mentionsOnly: event.target.checked })
            }
          />
        </label>
      )}
      <p className="notice">{t(kind === 'group' ? 'ruleHintGroup' : 'ruleHint')}</p>
    </section>
  );
}
