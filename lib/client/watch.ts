import { liveQuery } from 'dexie';
import type { Environment } from './environment';

/**
 * Calls back with what `query` reads, now and whenever it has changed. The call leaves the query's zone first:
 * queries and subscriptions made inside it would be taken for parts of it.
 *
 * @returns what ends it
 */
export function watch<T>(
  environment: Pick<Environment, 'after' | 'log'>,
  query: () => Promise<T>,
  changed: (value: T) => void,
): () => void {
  let ended = false;
  const subscription = liveQuery(query).subscribe({
    next: (value) => environment.after(0, () => ended || changed(value)),
    error: (error: unknown) => environment.log('watch', error),
  });
  return () => {
    ended = true;
    subscription.unsubscribe();
  };
}
