import './no-eval';
import { AparteDb } from './db';
import { openKeyRing } from './key-ring';
import { SearchIndex } from './search';
import { type SearchAnswer, searchAsk } from './search-port';

/**
 * Searches for one tab, apart from its screen and from the engine, which may be busy decrypting. Questions
 * are answered one by one; what is taken back before its turn is left out.
 */
const keys = openKeyRing(() => close());
const index = new SearchIndex(new AparteDb(() => keys.key('cache')));
/** Numbers of the questions that wait. */
const asked = new Set<number>();
let turn: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }) => {
  const { id, query } = searchAsk.parse(data);
  if (!query) {
    asked.delete(id);
    return;
  }
  asked.add(id);
  turn = turn.then(async () => {
    if (!asked.delete(id)) return;
    const answer: SearchAnswer = { id, hits: await index.find(query).catch(failed) };
    postMessage(answer);
  });
});

function failed(error: unknown): null {
  console.warn('aparte: search', error instanceof Error ? error.name : '');
  return null;
}
