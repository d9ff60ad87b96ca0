import { expect, test } from 'vitest';
import { type Place, Routes } from './routes';

/** A table of sessions whose answers a test holds back. */
function table() {
  const places = new Map<string, Place[]>();
  const asked: string[][] = [];
  const answers: ((fail?: boolean) => void)[] = [];
  const moved: string[] = [];
  let now = 0;
  const routes = new Routes({
    find: (userIds) => {
      asked.push([...userIds]);
      const found = userIds.map((userId) => [...(places.get(userId) ?? [])]);
      return new Promise((resolve, reject) =>
        answers.push((fail) => (fail ? reject(new Error('gone')) : resolve(found))),
      );
    },
    moved: (userId, nodeIds) => moved.push(`${userId} ${nodeIds.join()}`),
    now: () => now,
  });
  const routed: string[] = [];
  return {
    places,
    asked,
    routes,
    moved,
    routed,
    pass: (ms: number) => {
      now += ms;
    },
    answer: async (fail?: boolean) => {
      answers.shift()?.(fail);
      // Whatever follows an answer has followed before the next macrotask.
      await new Promise((resolve) => setImmediate(resolve));
    },
    route: (label: string, userIds: string[]) =>
      routes.route(
        userIds,
        (found) =>
          routed.push(`${label}: ${[...found].map(([user, at]) => `${user}@${at.map((p) => p.nodeId)}`)}`),
        () => routed.push(`${label} failed`),
      ),
  };
}

const at = (nodeId: string): Place => ({ deviceId: 'd', nodeId });

test('asks once, shares the next question, and keeps the order', async () => {
  const { places, asked, routed, route, answer } = table();
  places.set('u', [at('b')]);
  places.set('v', [at('c')]);
  route('1', ['u']);
  route('2', ['v', 'w']);
  route('3', ['u']);
  expect(routed).toEqual([]);
  await answer();
  expect(routed).toEqual(['1: u@b']);
  await answer();
  expect(routed).toEqual(['1: u@b', '2: v@c', '3: u@b']);
  route('4', ['w', 'u']);
  expect(routed.at(-1)).toBe('4: u@b');
  expect(asked).toEqual([['u'], ['v', 'w']]);
});

test('a user who has come to a node after something was routed past it is told of', async () => {
  const { places, moved, routes, route, answer } = table();
  route('1', ['u']);
  await answer();
  places.set('u', [at('b')]);
  routes.changed('u');
  await answer();
  expect(moved).toEqual(['u b']);
  routes.changed('u');
  await answer();
  expect(moved).toEqual(['u b']);
});

test('what was routed long ago led nobody astray', async () => {
  const { places, asked, moved, routes, route, answer, pass } = table();
  route('1', ['u']);
  await answer();
  pass(61_000);
  places.set('u', [at('b')]);
  routes.changed('u');
  expect([asked.length, moved]).toEqual([1, []]);
});

test('an answer that is older than a change is asked for again', async () => {
  const { places, routed, routes, route, answer } = table();
  route('1', ['u']);
  places.set('u', [at('b')]);
  routes.changed('u');
  await answer();
  expect(routed).toEqual([]);
  await answer();
  expect(routed).toEqual(['1: u@b']);
});

test('without a link everything that waits fails, and nothing is remembered', async () => {
  const { asked, routed, routes, route, answer } = table();
  route('1', ['u']);
  routes.clear();
  expect(routed).toEqual(['1 failed']);
  await answer();
  route('2', ['u']);
  await answer(true);
  expect([routed, asked.length, routes.size]).toEqual([['1 failed', '2 failed'], 2, 0]);
});
