'use client';

import { useEffect, useState } from 'react';
import { findsMost } from '../../lib/client/finds-most';
import type { SearchHit, SearchQuery } from '../../lib/client/search';
import type { SearchAnswer, SearchAsk } from '../../lib/client/search-port';
import { useSearchStamp } from './use-live';

/** So many finds are shown at first, and as many more at each asking. */
export const findsStep = 20;

interface Asking {
  worker: Worker;
  asked: number;
  /** By the number of the question. */
  answers: Map<number, (hits: SearchHit[] | null) => void>;
}

let asking: Asking | null = null;

/** Starts the tab's search worker, which reads what can be found: the sooner, the less the first letter waits. */
export function prepareSearch(): Asking {
  if (asking) return asking;
  const worker = new Worker(new URL('../../lib/client/search-worker.ts', import.meta.url), {
    type: 'module',
  });
  const started: Asking = { worker, asked: 0, answers: new Map() };
  worker.onmessage = ({ data }: MessageEvent<SearchAnswer>) => {
    started.answers.get(data.id)?.(data.hits);
    started.answers.delete(data.id);
  };
  asking = started;
  // Nothing is sought yet, but what can be found is read.
  ask({ text: '', conversationId: null, limit: 1 }, () => undefined);
  return started;
}

/** The session is over: what can be found belongs to nobody any more, nor does it stay in memory. */
export function endSearch(): void {
  asking?.worker.terminate();
  asking = null;
}

/** @returns takes the question back */
function ask(query: SearchQuery, answered: (hits: SearchHit[] | null) => void): () => void {
  const port = prepareSearch();
  port.asked += 1;
  const id = port.asked;
  const post = (message: SearchAsk) => port.worker.postMessage(message);
  port.answers.set(id, answered);
  post({ id, query });
  return () => {
    if (port.answers.delete(id)) post({ id, query: null });
  };
}

export interface SearchResult {
  hits: SearchHit[];
  /** What they were found for: while one types on, it is the text of a moment ago. */
  text: string;
  /** There may be more than were asked for. */
  more: boolean;
}

/**
 * What is found for `text`, and again whenever something new can be found.
 * @returns `undefined` until the first answer, and for an empty text
 */
export function useSearch(
  text: string,
  conversationId: string | null,
  limit: number,
): SearchResult | undefined {
  const [result, setResult] = useState<SearchResult>();
  const stamp = useSearchStamp();
  useEffect(() => {
    if (text.trim() === '') {
      setResult(undefined);
      return;
    }
    const most = Math.min(limit, findsMost);
    return ask({ text: text.slice(0, 500), conversationId, limit: most, stamp }, (hits) => {
      if (hits) setResult({ hits, text, more: hits.length === most && most < findsMost });
    });
  }, [text, conversationId, limit, stamp]);
  return text.trim() === '' ? undefined : result;
}
