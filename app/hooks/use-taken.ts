'use client';

import { useEffect, useState } from 'react';
import { handlePattern } from '../../lib/protocol/names';
import { api } from './author';
import { useSettled } from './use-settled';

/**
 * Whether somebody has this handle; `undefined` until the server has said so of it. Asked without the library that other
 * questions have: it would be a twentieth of all that a first visit fetches.
 */
export function useTaken(handle: string): boolean | undefined {
  const asked = useSettled(handle);
  const [answer, setAnswer] = useState<{ handle: string; taken: boolean } | null>(null);
  useEffect(() => {
    if (!handlePattern.test(asked)) return;
    const left = new AbortController();
    const { signal } = left;
    const ask = () =>
      void api.accounts.handleTaken.query({ handle: asked }, { signal }).then(
        (taken) => setAnswer({ handle: asked, taken }),
        // Without an answer nothing is said of it; the server looks again when the account is made.
        () => undefined,
      );
    ask();
    // Somebody may have taken it meanwhile.
    addEventListener('online', ask, { signal });
    addEventListener('focus', ask, { signal });
    return () => left.abort();
  }, [asked]);
  // What is known of another handle says nothing about this one.
  return answer?.handle === handle ? answer.taken : undefined;
}
