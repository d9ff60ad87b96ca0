import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { contacts, group, person, type TestDomain, testDomain } from '../../tests/domain';
import { accept, block, blockUser, leave, removeMember, unblockUser } from '../conversations/conversations';
import type { Asker } from '../ground';
import { spend } from '../limiter';
import { handleFrame } from '../ws/frames';
import { tellActivity } from './activity';
import { tellPresence } from './presence';

describe.each(databaseKinds)('presence on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());
  beforeEach(() => {
    domain = testDomain(database);
  });

  const someone = () => person(domain);
  /** Whom a broadcast of the asker's reaches, oneself aside. */
  const hearers = async (asker: Asker, toUserId: string | null = null) => {
    domain.told.length = 0;
    await tellPresence(domain, asker, { state: 'online', toUserId });
    return domain.told
      .flatMap((told) => (told.kind === 'presence' ? told.toUserIds : []))
      .filter((userId) => userId !== asker.userId)
      .sort();
  };

  test.each(['typing', 'recording', 'calling'] as const)(
    'tells %s to the other members, and only from one who may write',
    async (activity) => {
      const [anna, bert, carl] = [await someone(), await someone(), await someone()];
      const { conversationId } = await group(domain, anna, bert);
      domain.told.length = 0;
      await tellActivity(domain, carl, { conversationId, kind: activity });
      await tellActivity(domain, bert, { conversationId, kind: activity });
      expect(domain.told).toEqual([]);
      await accept(domain, bert, conversationId);
      domain.told.length = 0;
      await tellActivity(domain, bert, { conversationId, kind: activity });
      expect(domain.told).toEqual([
        { kind: 'activity', conversationId, userId: bert.userId, activity, toUserIds: [anna.userId] },
      ]);
    },
  );

  test('tells presence to the people of accepted conversations once each, and to own other devices', async () => {
    const [anna, bert, carl, dora] = [await someone(), await someone(), await someone(), await someone()];
    await contacts(domain, anna, bert);
    await contacts(domain, anna, carl);
    await group(domain, anna, bert, carl);
    // Dora is asked and has not accepted.
    await group(domain, anna, dora);
    domain.told.length = 0;
    await tellPresence(domain, anna, { state: 'away', toUserId: null });
    expect(domain.told).toEqual([
      {
        kind: 'presence',
        userId: anna.userId,
        state: 'away',
        broadcast: true,
        at: domain.now(),
        toUserIds: expect.arrayContaining([bert.userId, carl.userId, anna.userId]),
        exceptDeviceId: anna.deviceId,
      },
    ]);
    expect(await hearers(anna)).toEqual([bert.userId, carl.userId].sort());
  });

  test('strangers, and those who have not accepted, are told nothing and tell nothing', async () => {
    const [anna, bert, carl] = [await someone(), await someone(), await someone()];
    const { conversationId } = await group(domain, anna, bert);
    for (const asker of [anna, bert, carl]) expect(await hearers(asker)).toEqual([]);
    expect(await hearers(carl, anna.userId)).toEqual([]);
    await accept(domain, bert, conversationId);
    expect(await hearers(anna)).toEqual([bert.userId]);
    expect(await hearers(bert, anna.userId)).toEqual([anna.userId]);
  });

  test('a word to one person goes to that person only, and to nobody who is unknown or oneself', async () => {
    const [anna, bert, carl] = [await someone(), await someone(), await someone()];
    await contacts(domain, anna, bert);
    await contacts(domain, anna, carl);
    domain.told.length = 0;
    await tellPresence(domain, anna, { state: 'online', toUserId: bert.userId });
    expect(domain.told).toMatchObject([{ broadcast: false, toUserIds: [bert.userId] }]);
    domain.told.length = 0;
    await tellPresence(domain, anna, { state: 'online', toUserId: randomUUID() });
    await tellPresence(domain, anna, { state: 'online', toUserId: anna.userId });
    expect(domain.told).toEqual([]);
  });

  test('who has left or was removed is told nothing more', async () => {
    const [anna, bert, carl] = [await someone(), await someone(), await someone()];
    const { conversationId } = await group(domain, anna, bert, carl);
    await accept(domain, bert, conversationId);
    await accept(domain, carl, conversationId);
    expect(await hearers(anna)).toHaveLength(2);
    await leave(domain, bert, conversationId);
    expect(await hearers(anna)).toEqual([carl.userId]);
    await removeMember(domain, anna, conversationId, carl.userId);
    expect(await hearers(anna)).toEqual([]);
    expect(await hearers(carl)).toEqual([]);
  });

  test('a block ends it both ways, also where the two share a group, until it is lifted', async () => {
    const [anna, bert] = [await someone(), await someone()];
    const direct = await contacts(domain, anna, bert);
    // Contacts are members at once.
    await group(domain, anna, bert);
    await block(domain, bert, direct.conversationId);
    expect(await hearers(anna)).toEqual([]);
    expect(await hearers(bert)).toEqual([]);
    expect(await hearers(bert, anna.userId)).toEqual([]);
    domain.told.length = 0;
    await tellActivity(domain, anna, { conversationId: direct.conversationId, kind: 'typing' });
    expect(domain.told).toMatchObject([{ toUserIds: [] }]);
    await unblockUser(domain, bert, anna.userId);
    expect(await hearers(anna)).toEqual([bert.userId]);
    await blockUser(domain, anna, bert.userId);
    expect(await hearers(anna)).toEqual([]);
    expect(await hearers(bert)).toEqual([]);
  });

  test('drops what goes beyond a connection’s measure, a word to everyone counting five, and answers nothing', async () => {
    const [anna, bert] = [await someone(), await someone()];
    const { conversationId } = await contacts(domain, anna, bert);
    let wholeAt = 0;
    const rate = { burst: 6, perSecond: 1 };
    const answers: unknown[] = [];
    const options = {
      ground: domain,
      reply: (_: unknown, frame: unknown) => answers.push(frame),
      maySignal: (_: unknown, cost: number) => {
        const after = spend(wholeAt, rate, domain.now(), cost);
        wholeAt = after ?? wholeAt;
        return after !== null;
      },
      onFailure: (error: unknown) => answers.push(error),
    };
    domain.told.length = 0;
    for (let time = 0; time < 3; time++)
      await handleFrame({ t: 'presence', state: 'online', toUserId: null }, anna, options);
    for (let time = 0; time < 10; time++)
      await handleFrame({ t: 'activity', conversationId, kind: 'typing' }, anna, options);
    expect(domain.told.map((told) => told.kind)).toEqual(['presence', 'activity']);
    expect(answers).toEqual([]);
  });
});
