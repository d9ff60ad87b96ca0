import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { group, person, type TestDomain, testDomain } from '../../tests/domain';
import { accept, removeMember } from '../conversations/conversations';
import { tellActivity } from './activity';
import { MemberLists } from './member-lists';

describe.each(databaseKinds)('the lists of members on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());
  beforeEach(() => {
    domain = testDomain(database);
  });

  async function pair() {
    const [anna, bert] = [await person(domain), await person(domain)];
    const { conversationId } = await group(domain, anna, bert);
    await accept(domain, bert, conversationId);
    return { anna, bert, conversationId };
  }

  test('who has been removed hears nothing more, though the list was kept', async () => {
    const { anna, bert, conversationId } = await pair();
    await tellActivity(domain, anna, { conversationId, kind: 'typing' });
    await removeMember(domain, anna, conversationId, bert.userId);
    domain.told.length = 0;
    await tellActivity(domain, bert, { conversationId, kind: 'typing' });
    await tellActivity(domain, anna, { conversationId, kind: 'typing' });
    expect(domain.told.flatMap((told) => (told.kind === 'activity' ? told.toUserIds : []))).toEqual([]);
  });

  test('a list is read once, and again when it is too old or the roster has changed', async () => {
    const { conversationId } = await pair();
    const lists = new MemberLists({ db: domain.db, now: domain.now, maxAgeMs: 1_000 });
    const first = await lists.of(conversationId);
    expect(lists.of(conversationId)).toBe(first);
    domain.clock.now += 1_000;
    expect(lists.of(conversationId)).toBeInstanceOf(Promise);
    await lists.of(conversationId);
    lists.forget(conversationId);
    expect(lists.of(conversationId)).toBeInstanceOf(Promise);
  });

  test('what was being read while the roster changed is not kept', async () => {
    const { conversationId } = await pair();
    const lists = new MemberLists({ db: domain.db, now: domain.now, maxAgeMs: 10_000 });
    const reading = lists.of(conversationId);
    lists.forget(conversationId);
    await reading;
    expect(lists.of(conversationId)).toBeInstanceOf(Promise);
  });

  test('lists that are wanted at once are read together, each its own', async () => {
    const pairs = [await pair(), await pair(), await pair()];
    let queries = 0;
    const db = domain.db.withPlugin({
      transformQuery: ({ node }) => {
        queries += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const lists = new MemberLists({ db, now: domain.now, maxAgeMs: 10_000 });
    const read = await Promise.all(pairs.map(({ conversationId }) => lists.of(conversationId)));
    expect(queries).toBe(1);
    for (const [at, { anna, bert }] of pairs.entries())
      expect(read[at]?.map(({ userId }) => userId).sort()).toEqual([anna.userId, bert.userId].sort());
  });

  test('a list that cannot be read is refused to all who wait for it, and read again for the next', async () => {
    const { conversationId } = await pair();
    let away = true;
    const db = domain.db.withPlugin({
      transformQuery: ({ node }) => {
        if (away) throw new Error('away');
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const lists = new MemberLists({ db, now: domain.now, maxAgeMs: 10_000 });
    const asked = [lists.of(conversationId), lists.of(conversationId)].map((list) => Promise.resolve(list));
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    away = false;
    expect(await lists.of(conversationId)).toHaveLength(2);
  });

  test('an id that the node has already is kept as the text that it has', async () => {
    const { anna, conversationId } = await pair();
    const known = (userId: string) => (userId === anna.userId ? 'the same' : userId);
    const lists = new MemberLists({ db: domain.db, now: domain.now, maxAgeMs: 10_000, known });
    expect((await lists.of(conversationId)).map(({ userId }) => userId)).toContain('the same');
  });

  test('a list that nobody is on takes room too', async () => {
    const lists = new MemberLists({ db: domain.db, now: domain.now, maxAgeMs: 10_000, maxMembers: 3 });
    const ids = Array.from({ length: 4 }, () => randomUUID());
    for (const conversationId of ids) await lists.of(conversationId);
    const kept = ids.map((conversationId) => !(lists.of(conversationId) instanceof Promise));
    expect(kept).toEqual([false, true, true, true]);
  });

  test('the list read longest ago makes room', async () => {
    const [one, two] = [await pair(), await pair()];
    const lists = new MemberLists({ db: domain.db, now: domain.now, maxAgeMs: 10_000, maxMembers: 3 });
    await lists.of(one.conversationId);
    const kept = await lists.of(two.conversationId);
    expect(lists.of(two.conversationId)).toBe(kept);
    expect(lists.of(one.conversationId)).toBeInstanceOf(Promise);
  });
});
