import { expect, test } from 'vitest';
import type { PreKeyState } from '../crypto/types';
import type { Inbox } from './inbox';
import { Intake } from './intake';
import type { Work } from './work';

/** An intake of which each question waits until it is answered by hand. */
function waitingIntake(
  said: { conversationId: string; lastAt: number }[] = [],
  { found = 'stored', takesAhead = async () => true, more = false } = {},
) {
  const asked: string[] = [];
  const ahead = new Set<string>();
  const row = (conversationId: string) => ({
    ...{ conversationId, rosterVersion: 1, cursor: ahead.has(conversationId) ? 1 : 0 },
  });
  const answers: (() => void)[] = [];
  const ask = (what: string) => {
    asked.push(what);
    return new Promise<void>((resolve) => answers.push(resolve));
  };
  const work = {
    environment: {
      db: {
        readMeta: async () => 0,
        writeMeta: async () => undefined,
        conversations: {
          get: async (id: string) => row(id),
          bulkGet: async (ids: string[]) => ids.map(row),
        },
      },
      now: () => 1,
      log: () => undefined,
      api: { sync: { state: { query: () => ask('state').then(() => state) } } },
    },
    machine: {
      receive: (_: unknown, told: PreKeyState) =>
        ask(`${told.oneTimeKeyCount} prekeys`).then(() => ({ newKeysFor: [] })),
    },
  };
  const conversations = said.map((one) => ({ ...one, lastSeq: 1, rosterVersion: 1 }));
  const state = { conversations, marks: [], at: 1, oneTimeKeyCount: 20 };
  const inbox = {
    openAllSealed: async () => undefined,
    takeMarks: async () => undefined,
    askEnvelopes: async () => ({ envelopes: [], more }),
    pullEnvelopes: async () => {
      asked.push('envelopes');
    },
    pullAhead: ({ conversationId }: { conversationId: string }) =>
      ask(`${conversationId} ahead`)
        .then(takesAhead)
        .then((isTaken) => isTaken && ahead.add(conversationId)),
    pullConversations: (behind: Map<string, number>) => ask([...behind.keys()].join()).then(() => found),
  };
  // The parts that these rules touch.
  const intake = new Intake(work as unknown as Work, inbox as unknown as Inbox);
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const answer = async (count = 1) => {
    for (; count > 0; count--) {
      await turn();
      answers.shift()?.();
      await turn();
    }
  };
  return { intake, asked, answer };
}

test('a gap that is noted while its conversation is pulled is pulled again', async () => {
  const { intake, asked, answer } = waitingIntake();
  intake.behind('a');
  const first = intake.work();
  await new Promise<void>((resolve) => setImmediate(resolve));
  intake.behind('a');
  await answer();
  await first;
  const second = intake.work();
  await answer();
  await second;
  expect(asked).toEqual(['a', 'a']);
});

test('a connection that is replaced while it catches up is caught up with anew', async () => {
  const { intake, asked, answer } = waitingIntake();
  intake.catchUp();
  const done = intake.work();
  await new Promise<void>((resolve) => setImmediate(resolve));
  intake.catchUp();
  await answer(4);
  await done;
  expect(asked).toEqual(['state', 'envelopes', '20 prekeys', 'state', 'envelopes', '20 prekeys']);
});

test('the newest messages are fetched before the prekeys are topped up, which nobody waits for', async () => {
  const { intake, asked, answer } = waitingIntake([
    { conversationId: 'older', lastAt: 1 },
    { conversationId: 'newer', lastAt: 2 },
  ]);
  intake.catchUp();
  const done = intake.work();
  await answer(4);
  await done;
  expect(asked).toEqual(['state', 'newer ahead', 'envelopes', 'older', '20 prekeys']);
});

test('where a key came after the envelopes were asked for they are pulled once more, and no further', async () => {
  const { intake, asked, answer } = waitingIntake([{ conversationId: 'a', lastAt: 1 }], {
    found: 'keyless',
    takesAhead: async () => false,
  });
  intake.catchUp();
  const done = intake.work();
  await answer(4);
  await done;
  expect(asked).toEqual(['state', 'a ahead', 'envelopes', 'a', '20 prekeys', 'envelopes']);
});

test('of what is told of prekeys while messages are fetched the last counts, and is acted upon once', async () => {
  const { intake, asked, answer } = waitingIntake([{ conversationId: 'a', lastAt: 1 }]);
  intake.catchUp();
  const done = intake.work();
  await answer();
  for (const oneTimeKeyCount of [19, 18])
    intake.take({ t: 'keys', oneTimeKeyCount, hasUnusedFallbackKey: true });
  await answer(2);
  await done;
  expect(asked).toEqual(['state', 'a ahead', 'envelopes', '18 prekeys']);
});

test('what was said last cannot be fetched: the envelopes, the others and the prekeys have their turn all the same', async () => {
  const { intake, asked, answer } = waitingIntake(
    [
      { conversationId: 'older', lastAt: 1 },
      { conversationId: 'newer', lastAt: 2 },
    ],
    { takesAhead: () => Promise.reject(new Error('no network')) },
  );
  intake.catchUp();
  const done = intake.work();
  await answer(4);
  await done;
  expect(asked).toEqual(['state', 'newer ahead', 'envelopes', 'newer,older', '20 prekeys']);
});

test('where more envelopes wait than a page holds, all of them come before what was said last', async () => {
  const { intake, asked, answer } = waitingIntake([{ conversationId: 'a', lastAt: 1 }], { more: true });
  intake.catchUp();
  const done = intake.work();
  await answer(3);
  await done;
  expect(asked).toEqual(['state', 'envelopes', 'a', '20 prekeys']);
});
