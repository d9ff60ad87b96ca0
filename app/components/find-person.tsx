'use client';

import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslations } from 'use-intl';
import { failureOf } from '../../lib/client/api';
import { handlePattern, normalizeHandle } from '../../lib/protocol/names';
import { api } from '../hooks/author';
import { queries } from '../hooks/queries';

export interface Found {
  userId: string;
  handle: string;
}

/** Looks a person up by their whole handle: the server does not tell of any but the one asked for. */
export function FindPerson(props: {
  label: string;
  action: string;
  me: string;
  onFound: (found: Found) => void;
}) {
  const t = useTranslations();
  const [typed, setTyped] = useState('');
  const find = useMutation({ mutationFn: (handle: string) => api.accounts.find.query({ handle }) }, queries);
  const handle = normalizeHandle(typed);
  const self = find.data?.userId === props.me;
  const search = () => {
    if (!handlePattern.test(handle) || find.isPending) return;
    find.mutate(handle, {
      // Not called any more once the page was left.
      onSuccess: (found) => {
        if (!found || found.userId === props.me) return;
        setTyped('');
        props.onFound(found);
      },
    });
  };
  return (
    <form
      className="find"
      onSubmit={(event) => {
        event.preventDefault();
        search();
      }}
    >
      <label className="field">
        <span>{props.label}</span>
        <span className="with-prefix">
          <span aria-hidden="true">@</span>
          <input
            value={typed}
            onChange={(event) => {
              // The sign stands before the field.
              setTyped(event.target.value.replace(/^@/, ''));
              find.reset();
            }}
            autoCapitalize="none"
            autoCorrect="off"
            autoComplete="off"
            spellCheck={false}
          />
        </span>
      </label>
      <button
        type="submit"
        className="button primary"
        disabled={!handlePattern.test(handle) || find.isPending}
      >
        {props.action}
      </button>
      <p className="notice bad" role="alert">
        {find.isError && t(`errors.${failureOf(find.error)}`)}
        {find.isSuccess && find.data === null && t('new.notFound')}
        {find.isSuccess && self && t('new.self')}
      </p>
    </form>
  );
}
