'use client';

import { useQuery } from '@tanstack/react-query';
import { handlePattern } from '../../lib/protocol/names';
import { api } from './author';
import { queries } from './queries';
import { useSettled } from './use-settled';

/** Whether somebody has this handle; `undefined` until the server has said so of it, as without a network. */
export function useTaken(handle: string): boolean | undefined {
  const asked = useSettled(handle);
  const { data } = useQuery(
    {
      queryKey: ['handleTaken', asked],
      queryFn: () => api.accounts.handleTaken.query({ handle: asked }),
      enabled: handlePattern.test(asked),
      // The server looks again when the account is made.
      retry: false,
    },
    queries,
  );
  // What is known of another handle says nothing about this one.
  return handle === asked ? data : undefined;
}
