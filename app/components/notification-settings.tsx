'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { setAlertSettings } from '../../lib/client/alert-intents';
import type { AlertSettings } from '../../lib/client/alerts';

import { turnAlertsOff, turnAlertsOn } from '../hooks/alerts';
import { author } from '../hooks/author';
import { useAlertPermission } from '../hooks/use-alerts';
import { useAlertSettings } from '../hooks/use-live';

const nightQuiet = { from: 22 * 60, to: 7 * 60 };

/** In the settings: whether this device tells of new messages, what it shows of them, and when it is silent. */
export function NotificationSettings() {
  const t = useTranslations('notifications');
  const settings = useAlertSettings();
  const [permission, look] = useAlertPermission();
  const [asking, setAsking] = useState(false);
  if (!settings || !permission) return null;
  const allowed = permission === 'granted' || permission === 'default';
  const on = settings.on && permission === 'granted';
  const turn = (wanted: boolean) => {
    setAsking(true);
    void (wanted ? turnAlertsOn() : turnAlertsOff())
      // The push service is away: messages are told of while the app is open, and the next start asks again.
      .catch(() => undefined)
      .finally(() => {
        look();
        setAsking(false);
      });
  };
  return (
    <section className="card" aria-label={t('title')}>
      <h2>{t('title')}</h2>
      {allowed && <Switch label={t('on')} checked={on} disabled={asking} onChange={turn} />}
      <p className="notice" role="status">
        {t(`state.${permission === 'granted' && !on ? 'off' : permission}`)}
      </p>
      {on && <Details settings={settings} />}
    </section>
  );
}

function Details({ settings }: { settings: AlertSettings }) {
  const t = useTranslations('notifications');
  const { content, sound, quiet } = settings;
  return (
    <>
      <fieldset className="segments">
        <legend>{t('content')}</legend>
        {(['text', 'name', 'none'] as const).map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="alert-content"
              checked={content === choice}
              onChange={() => void setAlertSettings(author, { content: choice })}
            />
            <span>{t(`contents.${choice}`)}</span>
          </label>
        ))}
      </fieldset>
      <Switch
        label={t('sound')}
        checked={sound}
        onChange={(wanted) => void setAlertSettings(author, { sound: wanted })}
      />
      <Switch
        label={t('quiet')}
        checked={quiet !== null}
        onChange={(wanted) => void setAlertSettings(author, { quiet: wanted ? nightQuiet : null })}
      />
      {quiet && (
        <>
          <div className="times">
            <Time
              label={t('from')}
              minutes={quiet.from}
              onChange={(from) => void setAlertSettings(author, { quiet: { ...quiet, from } })}
            />
            <Time
              label={t('to')}
              minutes={quiet.to}
              onChange={(to) => void setAlertSettings(author, { quiet: { ...quiet, to } })}
            />
          </div>
          <p className="notice">{t('quietHint')}</p>
        </>
      )}
    </>
  );
}

function Switch(props: {
  label: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (wanted: boolean) => void;
}) {
  return (
    <label className="switch">
      <span>{props.label}</span>
      <input
        type="checkbox"
        role="switch"
        checked={props.checked}
        aria-checked={props.checked}
        disabled={props.disabled ?? false}
        onChange={(event) => props.onChange(event.target.checked)}
      />
    </label>
  );
}

function Time(props: { label: string; minutes: number; onChange: (minutes: number) => void }) {
  const pad = (count: number) => String(count).padStart(2, '0');
  const { label, minutes, onChange } = props;
  return (
    <label className="field">
      <span>{label}</span>
      <input
        type="time"
        value={`${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`}
        onChange={(event) => {
          const [hours, rest] = event.target.value.split(':').map(Number);
          if (hours !== undefined && rest !== undefined) onChange(hours * 60 + rest);
        }}
      />
    </label>
  );
}
