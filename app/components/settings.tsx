'use client';

import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { removeDevice, shareFigures, showPresence } from '../../lib/client/device-intents';
import { rename } from '../../lib/client/intents';
import { limits } from '../../lib/protocol/limits';
import { author } from '../hooks/author';
import { setLanguage, setTheme, useLanguage, useTheme } from '../hooks/preferences';
import { useFiguresShared, usePresenceShown, useRemovals } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { useStandingConnection } from '../hooks/use-standing-connection';
import { AppLock } from './app-lock';
import { Blocked } from './blocked';
import { Confirm } from './confirm';
import { Retry } from './connection-line';
import { DevicesManager } from './devices-manager';
import { InstallCard } from './install-card';
import { NotificationSettings } from './notification-settings';
import { PageBar } from './page-bar';
import { RecoveryCard } from './recovery';
import { StorageCard } from './storage-card';

export function Settings() {
  const t = useTranslations();
  const language = useLanguage();
  const theme = useTheme();
  const connection = useStandingConnection();
  const { me } = useNames();
  return (
    <main className="page form" id="content">
      <PageBar title={t('settings.title')} back="/" />
      <div className="form-body">
        {me && <Profile key={me.userId} me={me} />}
        <DevicesManager />
        <RecoveryCard />
        <section className="card" aria-label={t('settings.appearance')}>
          <h2>{t('settings.appearance')}</h2>
          <label className="field inline">
            <span>{t('settings.language')}</span>
            <select
              value={language}
              onChange={(event) => setLanguage(event.target.value === 'fr' ? 'fr' : 'en')}
            >
              <option value="en">English</option>
              <option value="fr">Français</option>
            </select>
          </label>
          <fieldset className="segments">
            <legend>{t('settings.theme')}</legend>
            {(['system', 'light', 'dark'] as const).map((choice) => (
              <label key={choice}>
                <input
                  type="radio"
                  name="theme"
                  checked={theme === choice}
                  onChange={() => setTheme(choice)}
                />
                <span>{t(`settings.${choice}`)}</span>
              </label>
            ))}
          </fieldset>
        </section>
        <NotificationSettings />
        <AppLock />
        <Privacy />
        <Blocked />
        <InstallCard />
        <section className="card" aria-label={t('settings.connection')}>
          <h2>{t('settings.connection')}</h2>
          <p>{t(`connection.${connection.state}`)}</p>
          <Retry standing={connection} />
        </section>
        <StorageCard />
        <SignOut />
      </div>
    </main>
  );
}

function Profile({ me }: { me: { name: string; handle: string } }) {
  const t = useTranslations('settings');
  const [name, setName] = useState(me.name);
  const wanted = name.trim();
  return (
    <section className="card" aria-label={t('profile')}>
      <h2>{t('profile')}</h2>
      <form
        className="find"
        onSubmit={(event) => {
          event.preventDefault();
          if (wanted) void rename(author, wanted);
        }}
      >
        <label className="field">
          <span>{t('name')}</span>
          <input
            value={name}
            maxLength={limits.nameMaxLength}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <button type="submit" className="button" disabled={!wanted || wanted === me.name}>
          {t('save')}
        </button>
      </form>
      <p>
        {t('handle')}: <strong>@{me.handle}</strong>
      </p>
    </section>
  );
}

function Privacy() {
  const t = useTranslations('settings');
  const shown = usePresenceShown();
  const shared = useFiguresShared();
  return (
    <section className="card" aria-label={t('privacy')}>
      <h2>{t('privacy')}</h2>
      <label className="switch">
        <span>{t('presence')}</span>
        <input
          type="checkbox"
          role="switch"
          checked={shown ?? true}
          aria-checked={shown ?? true}
          disabled={shown === undefined}
          aria-describedby="presence-hint"
          onChange={(event) => void showPresence(author, event.target.checked)}
        />
      </label>
      <p className="notice" id="presence-hint">
        {t('presenceHint')}
      </p>
      <label className="switch">
        <span>{t('figures')}</span>
        <input
          type="checkbox"
          role="switch"
          checked={shared ?? false}
          aria-checked={shared ?? false}
          disabled={shared === undefined}
          aria-describedby="figures-hint"
          onChange={(event) => void shareFigures(author, event.target.checked)}
        />
      </label>
      <p className="notice" id="figures-hint">
        {t('figuresHint')}
      </p>
    </section>
  );
}

/** Revokes this device; the server's answer makes the engine erase what is here. */
function SignOut() {
  const t = useTranslations();
  const { me } = useNames();
  const [asking, setAsking] = useState(false);
  const leaving = useRemovals()?.some((row) => row.deviceId === me?.deviceId) ?? false;
  return (
    <>
      <button type="button" className="button danger" disabled={leaving} onClick={() => setAsking(true)}>
        {t('settings.signOut')}
      </button>
      {leaving && <p role="status">{t('settings.signingOut')}</p>}
      {asking && (
        <Confirm
          question={t('settings.signOutConfirm')}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes && me) void removeDevice(author, { deviceId: me.deviceId, name: '' });
          }}
        />
      )}
    </>
  );
}
