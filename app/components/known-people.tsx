'use client';

import { useNames } from '../hooks/use-names';
import { Avatar } from './avatar';
import type { Found } from './find-person';
import { Icon } from './icons';

/** People whom this device knows already: for them nobody need be asked. */
export function KnownPeople(props: { label: string; except: string[]; onChoose: (person: Found) => void }) {
  const names = useNames();
  const known = [...(names.people?.values() ?? [])].filter(
    ({ userId }) => userId !== names.me?.userId && !props.except.includes(userId),
  );
  if (known.length === 0) return null;
  return (
    <section aria-label={props.label}>
      <h2>{props.label}</h2>
      <ul className="people">
        {known.map((person) => {
          const name = person.name ?? `@${person.handle}`;
          return (
            <li key={person.userId}>
              <button type="button" className="person" onClick={() => props.onChoose(person)}>
                <Avatar id={person.userId} name={name} />
                <span className="grow">
                  {name}
                  <small>@{person.handle}</small>
                </span>
                <Icon name="plus" />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
