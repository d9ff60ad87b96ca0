'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { startDirect, startGroup } from '../../lib/client/intents';
import { shareInto } from '../../lib/client/sharing';
import { limits } from '../../lib/protocol/limits';
import { author } from '../hooks/author';
import { useHash } from '../hooks/use-hash';
import { useNames } from '../hooks/use-names';
import { Avatar } from './avatar';
import { FindPerson, type Found } from './find-person';
import { Icon } from './icons';
import { KnownPeople } from './known-people';
import { PageBar } from './page-bar';

export function NewConversation() {
  const t = useTranslations('new');
  const names = useNames();
  const router = useRouter();
  const [chosen, setChosen] = useState<Found[]>([]);
  const [title, setTitle] = useState('');
  const me = names.me?.userId ?? '';
  const choose = (person: Found) =>
    setChosen((now) => (now.some((one) => one.userId === person.userId) ? now : [...now, person]));
  const nameOf = (person: Found) => {
    const row = names.people?.get(person.userId);
    return row?.name ?? `@${person.handle}`;
  };
  // Who comes from there has something to say in it already.
  const sharing = useHash() === 'shared';
  const open = async (id: string) => {
    if (sharing) await shareInto(author, id);
    router.push(`/c#${id}`);
  };
  const [only] = chosen;
  return (
    <main className="page form" id="content">
      <PageBar title={t('title')} back="/" />
      <div className="form-body">
        <p className="lead">{t('hint')}</p>
        <FindPerson label={t('handle')} action={t('find')} me={me} onFound={choose} />
        {chosen.length > 0 && (
          <section className="card" aria-label={t('chosen')}>
            <ul className="people">
              {chosen.map((person) => (
                <li key={person.userId}>
                  <Avatar id={person.userId} name={nameOf(person)} />
                  <span className="grow">{nameOf(person)}</span>
                  <button
                    type="button"
                    className="icon-button"
                    aria-label={t('remove', { name: nameOf(person) })}
                    onClick={() => setChosen(chosen.filter((one) => one.userId !== person.userId))}
                  >
                    <Icon name="close" />
                  </button>
                </li>
              ))}
            </ul>
            {chosen.length === 1 && only ? (
              <button
                type="button"
                className="button primary wide"
                onClick={() => void startDirect(author, only).then(open)}
              >
                {t('write', { name: nameOf(only) })}
              </button>
            ) : null}
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (title.trim()) void startGroup(author, title.trim(), chosen).then(open);
              }}
            >
              <label className="field">
                <span>{t('groupTitle')}</span>
                <input
                  value={title}
                  maxLength={limits.titleMaxLength}
                  onChange={(event) => setTitle(event.target.value)}
                />
              </label>
              <button type="submit" className="button wide" disabled={!title.trim()}>
                {t('create')}
              </button>
            </form>
          </section>
        )}
        <KnownPeople label={t('known')} except={chosen.map((person) => person.userId)} onChoose={choose} />
      </div>
    </main>
  );
}
