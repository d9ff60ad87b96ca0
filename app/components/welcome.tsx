'use client';

import { useEffect, useState } from 'react';
import { useTranslations } from 'use-intl';
import { owesErasure } from '../../lib/client/erasure';
import { endFirstVisit } from '../../lib/client/first-visit';
import { signUp } from '../../lib/client/intents';
import type { Session } from '../../lib/client/meta';
import { backToReading } from '../../lib/client/storage-intents';
import { limits } from '../../lib/protocol/limits';
import { handlePattern, normalizeHandle } from '../../lib/protocol/names';
import { author } from '../hooks/author';
import { useLost } from '../hooks/use-live';
import { useTaken } from '../hooks/use-taken';
import { deviceKind, deviceName } from './device-name';
import { WelcomeLead } from './opening';
import { linkNearing, recoverNearing, type Way, WayIn } from './way-in';

/** Choosing a name and a handle is all it takes: the engine makes the keys. */
export function Welcome({ session }: { session: Session }) {
  const t = useTranslations();
  const failed = session.state === 'sign_up_failed' ? session : null;
  const [name, setName] = useState(failed?.name ?? '');
  const [typed, setTyped] = useState(failed?.handle ?? '');
  const handle = normalizeHandle(typed);
  const valid = handlePattern.test(handle);
  const isTaken = useTaken(handle);
  useEffect(() => endFirstVisit(false), []);
  const [way, setWay] = useState<Way>(session.state === 'recovery_failed' ? 'recover' : 'none');
  const byDevice = { onClick: () => setWay('link'), ...linkNearing };
  const byKey = { onClick: () => setWay('recover'), ...recoverNearing };
  // Nothing can begin, nor is the account named, while what it had is being erased.
  const erasing = owesErasure(session);
  const loss = useLost();
  const lost = erasing ? undefined : loss;
  const busy = session.state === 'signing_up' || erasing;
  const hint = () => {
    if (!handle) return t('welcome.handleHint');
    if (!valid) return t('welcome.handleBad');
    if (isTaken) return t('welcome.handleTaken');
    return isTaken === false ? t('welcome.handleFree') : t('welcome.handleHint');
  };

  return (
    <main className="welcome tall" id="content">
      <div className="welcome-card">
        <WelcomeLead
          title={t(lost ? 'storage.goneTitle' : 'welcome.title')}
          lead={lost ? t('storage.gone', { handle: lost.handle }) : t('welcome.lead')}
        />
        {lost && (
          <div className="ways">
            <button type="button" className="button primary" disabled={busy} {...byKey}>
              {t('storage.byKey')}
            </button>
            <button type="button" className="button" disabled={busy} {...byDevice}>
              {t('storage.byDevice')}
            </button>
            {lost.what === 'keys' && session.state === 'recovery_failed' && (
              <button type="button" className="button" onClick={() => void backToReading(author)}>
                {t('storage.backToReading')}
              </button>
            )}
          </div>
        )}
        {lost && <h2>{t('storage.startOver')}</h2>}
        {session.state === 'ended' && (
          <p className="notice" role="status">
            {t(erasing ? 'welcome.ended' : `errors.${session.code}`)}
          </p>
        )}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!valid || !name.trim() || busy) return;
            void signUp(author, {
              handle,
              name: name.trim(),
              deviceType: deviceKind(),
              deviceName: deviceName(),
            });
          }}
        >
          <label className="field">
            <span>{t('welcome.name')}</span>
            <input
              value={name}
              onChange={(event) => setName(event.target.value)}
              maxLength={limits.nameMaxLength}
              autoComplete="name"
              required
              disabled={busy}
              aria-describedby="name-hint"
            />
            <small id="name-hint">{t('welcome.nameHint')}</small>
          </label>
          <label className="field">
            <span>{t('welcome.handle')}</span>
            <span className="with-prefix">
              <span aria-hidden="true">@</span>
              <input
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
                maxLength={limits.handleMaxLength + 1}
                autoCapitalize="none"
                autoComplete="username"
                autoCorrect="off"
                spellCheck={false}
                required
                disabled={busy}
                aria-invalid={handle !== '' && (!valid || isTaken === true)}
                aria-describedby="handle-hint"
              />
            </span>
            <small id="handle-hint" aria-live="polite">
              {hint()}
            </small>
          </label>
          {failed && (
            <p className="notice bad" role="alert">
              {t(`errors.${failed.code}`)}
            </p>
          )}
          <button
            type="submit"
            className="button primary wide"
            disabled={busy || !valid || !name.trim() || isTaken === true}
          >
            {session.state === 'signing_up' ? t('welcome.creating') : t('welcome.create')}
          </button>
        </form>
        {!lost && (
          <>
            <button type="button" className="button wide" disabled={busy} {...byDevice}>
              {t('welcome.existing')}
            </button>
            <button type="button" className="button wide" disabled={busy} {...byKey}>
              {t('welcome.lost')}
            </button>
          </>
        )}
        <WayIn
          way={session.state === 'recovering' ? 'recover' : way}
          session={session}
          handle={lost?.handle}
          onClose={() => setWay('none')}
        />
      </div>
    </main>
  );
}
