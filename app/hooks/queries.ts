'use client';

import { QueryClient } from '@tanstack/react-query';

/** Without a network what is asked fails, and says so: nobody waits for what happens later, when they are elsewhere. */
const networkMode = 'always';

/**
 * What the answers are remembered in. Who asks brings it, rather than a provider around everything: the list asks nothing,
 * and is drawn without the library.
 */
export const queries = new QueryClient({
  defaultOptions: { queries: { networkMode, refetchOnReconnect: true }, mutations: { networkMode } },
});
// Hears of the network's return, for as long as there is the page.
if (typeof window !== 'undefined') queries.mount();
