import type pg from 'pg';
import { type Metrics, type StatementKind, stopwatch } from './metrics';

/** Measures every statement of a connection, whoever sends it: the pool by callback, kysely by promise. */
export function timeQueries(
  client: pg.PoolClient,
  metrics: Pick<Metrics, 'querySeconds' | 'queryErrors'>,
): void {
  const query: unknown = client.query;
  if (typeof query !== 'function') throw new TypeError('A connection has no query.');
  const timed = (...args: unknown[]): unknown => {
    const seconds = stopwatch();
    const kind = statementKind(args[0]);
    const ended = (failed: boolean) => {
      metrics.querySeconds[kind].add(seconds());
      if (failed) metrics.queryErrors.add();
    };
    const told = args.at(-1);
    if (typeof told === 'function') {
      args[args.length - 1] = (error: unknown, result: unknown) => {
        ended(Boolean(error));
        Reflect.apply(told, undefined, [error, result]);
      };
      return Reflect.apply(query, client, args);
    }
    const answer: unknown = Reflect.apply(query, client, args);
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (result: unknown) => {
        ended(false);
        return result;
      },
      (error: unknown) => {
        ended(true);
        throw error;
      },
    );
  };
  Object.defineProperty(client, 'query', { value: timed, configurable: true, writable: true });
}

const kinds: Readonly<Record<string, StatementKind>> = {
  select: 'select',
  insert: 'insert',
  update: 'update',
  delete: 'delete',
  with: 'with',
  begin: 'transaction',
  commit: 'transaction',
  rollback: 'transaction',
};

const commits = new Set<unknown>(['commit', 'commit_alone']);

/** By the statement's first word; the commits of messages have a kind of their own. */
function statementKind(query: unknown): StatementKind {
  if (typeof query === 'string') return kinds[firstWord(query)] ?? 'other';
  if (typeof query !== 'object' || query === null) return 'other';
  if ('name' in query && commits.has(query.name)) return 'commit';
  return 'text' in query && typeof query.text === 'string'
    ? (kinds[firstWord(query.text)] ?? 'other')
    : 'other';
}

function firstWord(text: string): string {
  return /^\s*([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? '';
}
