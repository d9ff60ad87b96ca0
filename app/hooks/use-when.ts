'use client';

import { useFormatter } from 'use-intl';

const dayMs = 24 * 60 * 60 * 1000;

/** How a list says when something was said, as short as it can be without being mistaken. `at` in ms. */
export function useWhen(): (at: number) => string {
  const format = useFormatter();
  return (at) => {
    const now = Date.now();
    if (now - at < dayMs) return format.dateTime(at, { hour: 'numeric', minute: '2-digit' });
    const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
    return format.dateTime(at, {
      day: 'numeric',
      month: 'short',
      ...(isThisYear ? {} : { year: 'numeric' }),
    });
  };
}
